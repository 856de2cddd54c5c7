import type { Sql } from '../../db/client.ts'
import {
  type Column,
  type Constraint,
  type Index,
  listColumns,
  listConstraints,
  listIndexes,
  listTables,
} from './catalog.ts'

/** The database's tables as a Markdown document. The same migrations give the same text. */
export const describeSchema = async (sql: Sql): Promise<string> => {
  const [tables, columns, constraints, indexes] = await Promise.all([
    listTables(sql),
    listColumns(sql),
    listConstraints(sql),
    listIndexes(sql),
  ])
  const of = <T extends { table: string }>(rows: T[], table: string) => rows.filter((row) => row.table === table)
  const sections = tables.map(({ name, comment, options }) =>
    [
      `## ${name}`,
      ...(comment ? [comment] : []),
      columnTable(of(columns, name)),
      keyList(of(constraints, name), of(indexes, name), options),
    ].join('\n\n'),
  )
  const names = tables.map((table) => table.name)
  return [
    '# The tables',
    'Generated from the migrations by `npm run schema`. Change it by a migration: `npm run migrate:new`.',
    picture(names, columns, constraints),
    'Solid: a foreign key. Dotted: the same by name only, without a constraint.',
    ...sections,
    '',
  ]
    .join('\n\n')
    .replace(/\n+$/, '\n')
}

const columnTable = (columns: Column[]): string =>
  [
    '| column | type | null | default | what |',
    '|---|---|---|---|---|',
    ...columns.map((column) => {
      const fallback = column.identity ? 'identity' : column.default ? code(shortCasts(column.default)) : ''
      return `| \`${column.name}\` | ${shortType(column.type)} | ${column.notNull ? '' : 'null'} | ${cell(fallback)} | ${cell(column.comment ?? '')} |`
    }),
  ].join('\n')

const keyList = (constraints: Constraint[], indexes: Index[], options: string[] | null): string =>
  [
    ...constraints.map(({ kind, name, definition }) => {
      const what = shortCasts(definition.replace(/^(PRIMARY KEY|FOREIGN KEY|UNIQUE|CHECK) /, ''))
      return `- ${kind} \`${name}\`: ${code(what)}`
    }),
    ...indexes.map(
      ({ name, unique, definition }) =>
        `- ${unique ? 'unique ' : ''}index \`${name}\`: ${code(shortCasts(definition))}`,
    ),
    ...(options ?? []).map((option) => `- storage ${code(option)}`),
  ].join('\n')

/** The entities and their relations, in Mermaid. */
const picture = (tables: string[], columns: Column[], constraints: Constraint[]): string => {
  const foreign = constraints.filter((it) => it.kind === 'foreign key')
  const keys = new Set(
    constraints
      .filter((it) => it.kind === 'primary key')
      .flatMap((it) => it.columns.map((column) => `${it.table}.${column}`)),
  )
  const lines = foreign.map(({ table, target, columns: [column] }) => `  ${target} ||--o{ ${table} : ${column}`)
  const soft = columns.flatMap(({ table, name }) => {
    const target = `${name.replace(/_id$/, '')}s`
    const known = foreign.some((it) => it.table === table && it.columns.includes(name))
    return name.endsWith('_id') && tables.includes(target) && !known ? [`  ${target} ||..o{ ${table} : ${name}`] : []
  })
  const entities = tables.flatMap((table) => [
    `  ${table} {`,
    ...columns
      .filter((column) => column.table === table)
      .map(
        ({ name, type }) => `    ${shortType(type).replaceAll(' ', '_')} ${name}${marks(keys, foreign, table, name)}`,
      ),
    '  }',
  ])
  return ['```mermaid', 'erDiagram', ...lines, ...soft, ...entities, '```'].join('\n')
}

const marks = (keys: Set<string>, foreign: Constraint[], table: string, column: string): string => {
  const found = [
    keys.has(`${table}.${column}`) && 'PK',
    foreign.some((it) => it.table === table && it.columns.includes(column)) && 'FK',
  ].filter(Boolean)
  return found.length > 0 ? ` ${found.join(', ')}` : ''
}

const shortType = (type: string): string =>
  type.replace('timestamp with time zone', 'timestamptz').replace('character varying', 'varchar')

/** Postgres writes a cast behind every constant. */
const shortCasts = (definition: string): string =>
  definition.replaceAll(/::(text|smallint|integer|bigint|jsonb)(\[\])?/g, '')

const code = (text: string): string => `\`${text}\``

const cell = (text: string): string => text.replaceAll('|', '\\|')
