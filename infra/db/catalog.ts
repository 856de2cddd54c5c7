import type { Sql } from '../../db/client.ts'

// What Postgres knows about our tables. dbmate's own table is left out.

export interface Table {
  name: string
  comment: string | null
  /** Storage parameters: `fillfactor=70`. */
  options: string[] | null
}

export interface Column {
  table: string
  name: string
  type: string
  notNull: boolean
  default: string | null
  identity: boolean
  comment: string | null
}

export interface Constraint {
  table: string
  name: string
  kind: 'primary key' | 'foreign key' | 'unique' | 'check'
  columns: string[]
  /** The table that a foreign key points to. */
  target: string | null
  definition: string
}

export interface Index {
  table: string
  name: string
  unique: boolean
  /** `btree (queue, start_at) WHERE …` */
  definition: string
}

export const listTables = (sql: Sql): Promise<Table[]> => sql`
  SELECT relname AS name, obj_description(oid, 'pg_class') AS comment, reloptions AS options
  FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> 'schema_migrations'
  ORDER BY relname`

export const listColumns = (sql: Sql): Promise<Column[]> => sql`
  SELECT c.relname AS table, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
    a.attnotnull AS not_null, pg_get_expr(d.adbin, d.adrelid) AS default, a.attidentity <> '' AS identity,
    col_description(c.oid, a.attnum) AS comment
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  ORDER BY c.relname, a.attnum`

export const listConstraints = (sql: Sql): Promise<Constraint[]> => sql`
  SELECT c.relname AS table, k.conname AS name,
    CASE k.contype WHEN 'p' THEN 'primary key' WHEN 'f' THEN 'foreign key' WHEN 'u' THEN 'unique' ELSE 'check' END AS kind,
    ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS key (attnum, position)
      JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = key.attnum ORDER BY position) AS columns,
    t.relname AS target, pg_get_constraintdef(k.oid) AS definition
  FROM pg_constraint k
  JOIN pg_class c ON c.oid = k.conrelid
  LEFT JOIN pg_class t ON t.oid = k.confrelid
  WHERE k.connamespace = 'public'::regnamespace AND k.contype IN ('p', 'f', 'u', 'c')
  ORDER BY c.relname, position(k.contype::text IN 'pufc'), k.conname`

export const listIndexes = (sql: Sql): Promise<Index[]> => sql`
  SELECT c.relname AS table, i.relname AS name, x.indisunique AS unique,
    regexp_replace(pg_get_indexdef(i.oid), '^.* USING ', '') AS definition
  FROM pg_index x
  JOIN pg_class i ON i.oid = x.indexrelid
  JOIN pg_class c ON c.oid = x.indrelid
  WHERE c.relnamespace = 'public'::regnamespace
    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.contype IN ('p', 'u'))
  ORDER BY c.relname, i.relname`

/** Functions, triggers, views, types and sequences of our own: what a down migration might forget. */
export const listOthers = (sql: Sql): Promise<{ name: string }[]> => sql`
  SELECT 'function ' || proname AS name FROM pg_proc WHERE pronamespace = 'public'::regnamespace
  UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT 'type ' || typname FROM pg_type
    WHERE typnamespace = 'public'::regnamespace AND typrelid = 0 AND typelem = 0
  UNION ALL SELECT 'relation ' || relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm', 'S')
  ORDER BY name`
