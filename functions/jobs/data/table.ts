import { cut } from '../../../lib/core/cut.ts'
import { PermanentError } from '../../../lib/jobs/define.ts'
import { MAX_COLUMNS, MAX_FILE_COLUMNS, MAX_ROWS, SHOWN_CHARACTERS } from './limits.ts'
import { UnknownShape } from './problems.ts'
import type { Reader } from './reader.ts'
import { type Csv, type Recognized, tooWide } from './recognize.ts'
import { literal } from './sql.ts'

/** How statistics treat a column's values. */
type Role = 'number' | 'time' | 'boolean' | 'text' | 'other'

export interface TableColumn {
  /** As in the file. */
  name: string
  /** DuckDB's. */
  type: string
  role: Role
}

/** A column of the file, by its place there. */
type Placed = TableColumn & { place: number }

/** The columns that are described. In the view `data` they are `c0`, `c1`…, and what can't be counted with is NULL. */
export interface Table {
  format: 'csv' | 'parquet'
  rows: number
  columns: TableColumn[]
}

export interface Reading {
  columns?: string[] | undefined
  header?: boolean | undefined
  decimal: '.' | ','
  missing: string[]
}

/**
 * Reads the file into DuckDB: a CSV into a table, of which later statements read only the columns that they need, as
 * they do of a Parquet.
 * @throws {PermanentError} DATA_UNREADABLE, DATA_TOO_WIDE, DATA_TOO_LARGE, COLUMN_NOT_FOUND
 */
export const readTable = async (reader: Reader, file: Recognized, reading: Reading): Promise<Table> => {
  if (file.format === 'parquet') await reader.ask(`CREATE VIEW raw AS FROM read_parquet(${literal(reader.path)})`)
  else await readCsv(reader, file, reading)

  const described = await reader.ask<{ column_name: string; column_type: string }>('DESCRIBE raw')
  if (described.length > MAX_FILE_COLUMNS) throw tooWide(described.length)
  const all = described.map(({ column_name: name, column_type: type }, place) => ({
    name,
    type,
    place,
    role: roleOf(type),
  }))
  const columns = chosen(all, reading.columns)
  const [{ rows } = { rows: 0 }] = await reader.ask<{ rows: number }>('SELECT count(*)::DOUBLE AS rows FROM raw')
  if (rows > MAX_ROWS) throw new PermanentError('DATA_TOO_LARGE', `The file has ${rows} rows, of at most ${MAX_ROWS}.`)
  const selected = columns.map((column, index) => `${cleaned(column)} AS c${index}`)
  // By their positions: a name may be anything.
  const places = all.map(({ place }) => `p${place}`)
  await reader.ask(`CREATE VIEW data AS SELECT ${selected.join(', ')} FROM raw AS raw(${places.join(', ')})`)
  return { format: file.format, rows, columns: columns.map(shown) }
}

const readCsv = async (reader: Reader, file: Csv, { header, decimal, missing }: Reading): Promise<void> => {
  const options = [
    literal(reader.path),
    `delim = ${literal(file.delimiter)}`,
    `quote = '"'`,
    `escape = '"'`,
    // Otherwise lines are left out until the rest looks like a table.
    `skip = ${file.skipLines}`,
    `comment = ''`,
    `encoding = '${file.encoding}'`,
    `nullstr = [${missing.map(literal).join(', ')}]`,
    // Types are guessed from all rows. Otherwise a 1.5 after 20 000 whole numbers would silently be read as a 2.
    'sample_size = -1',
  ]
  const headed = header === undefined ? [] : [`header = ${header}`]
  const all = [...options, ...headed, `decimal_separator = '${decimal}'`]
  try {
    await reader.ask(`CREATE TABLE raw AS FROM read_csv(${all.join(', ')})`)
  } catch (error) {
    if (error instanceof UnknownShape) {
      // Nothing is guessed here, so an error names the line at which the file differs from what its first line says.
      const columns = Array.from({ length: file.columns }, (_, index) => `'p${index}': 'VARCHAR'`)
      const given = [
        ...options,
        'auto_detect = false',
        `header = ${header ?? true}`,
        `columns = {${columns.join(', ')}}`,
      ]
      await reader.ask(`SELECT count(*) FROM read_csv(${given.join(', ')})`)
    }
    throw error
  }
}

const chosen = (all: Placed[], names: string[] | undefined): Placed[] => {
  if (names === undefined) {
    if (all.length <= MAX_COLUMNS) return all
    const message = `The file has ${all.length} columns: name up to ${MAX_COLUMNS} of them in \`columns\`.`
    throw new PermanentError('DATA_TOO_WIDE', message)
  }
  return names.map((name) => {
    const column = all.find((it) => it.name === name)
    if (column) return column
    throw new PermanentError('COLUMN_NOT_FOUND', `The file has no column ${name.slice(0, SHOWN_CHARACTERS)}.`)
  })
}

const NUMBER = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(.*\))$/
const TIME = /^(DATE|TIMESTAMP.*)$/
const TEXT = /^(VARCHAR|ENUM\(.*\)|UUID|TIME.*|INTERVAL)$/

const roleOf = (type: string): Role => {
  if (NUMBER.test(type)) return 'number'
  if (TIME.test(type)) return 'time'
  if (type === 'BOOLEAN') return 'boolean'
  return TEXT.test(type) ? 'text' : 'other'
}

/** No computation overflows on what is left, and no text is longer than is worth comparing. */
const cleaned = ({ place, type, role }: Placed): string => {
  const column = `p${place}`
  if (role === 'time') return `CASE WHEN year(${column}) BETWEEN 1 AND 9999 THEN ${column} END`
  if (role === 'text') return `left(${column}::VARCHAR, 1000)`
  return /FLOAT|DOUBLE/.test(type) ? `CASE WHEN abs(${column}) < 1e100 THEN ${column} END` : column
}

const shown = ({ name, type, role }: Placed): TableColumn => ({ name: legible(name), type: legible(type), role })

/** A text from a file, as it is shown: without characters that a database or a page can't hold. */
export const legible = (text: string): string =>
  cut(
    text
      .slice(0, 1_000)
      .toWellFormed()
      .replaceAll(/\p{Cc}/gu, ' '),
    SHOWN_CHARACTERS,
  )
