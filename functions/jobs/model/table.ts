import { Readable } from 'node:stream'
import { CsvError, type Parser, parse } from 'csv-parse'
import { PermanentError } from '../../../lib/jobs/define.ts'
import { BATCH_ROWS, MAX_ROWS } from './limits.ts'
import type { ModelInput, Value } from './session.ts'

export interface TableOptions {
  /** The first line has the names of the columns. */
  header: boolean
  /** The columns that the model takes, in its order. */
  columns?: string[] | undefined
  /** The columns that the model says it takes. */
  known?: string[] | undefined
}

/** Some rows of a table, in the form that the model takes. */
export interface Rows {
  /** For each input, the values of all rows. */
  values: Value[][]
  count: number
  /** The part of the file that has been read, 0 to 1. */
  read: number
}

/**
 * The rows of a CSV file from `first` on, in batches.
 * @throws {PermanentError} INPUT_UNREADABLE, with the row and column; INPUT_TOO_LARGE; MODEL_UNSUPPORTED
 */
export async function* batchesOf(
  bytes: Uint8Array,
  inputs: ModelInput[],
  options: TableOptions,
  first: number,
): AsyncGenerator<Rows> {
  const parser = parserOf(bytes)
  const pick = new Columns(inputs, options)
  let row = 0
  let batch: Value[][] = inputs.map(() => [])
  let count = 0
  for await (const cells of readable(parser)) {
    if (!pick.isReady) {
      pick.prepare(cells)
      if (options.header) continue
    }
    if (++row > MAX_ROWS) throw new PermanentError('INPUT_TOO_LARGE', `The table has more than ${MAX_ROWS} rows.`)
    if (row <= first) continue
    pick.take(cells, row, batch)
    if (++count < BATCH_ROWS) continue
    yield { values: batch, count, read: parser.info.bytes / bytes.length }
    batch = inputs.map(() => [])
    count = 0
  }
  if (row === 0) throw unreadable('The table has no rows.')
  if (count > 0) yield { values: batch, count, read: 1 }
}

const parserOf = (bytes: Uint8Array): Parser => {
  const [head = ''] = new TextDecoder().decode(bytes.subarray(0, 10_000)).split(/\r?\n/)
  const [delimiter = ','] = [',', ';', '\t'].toSorted((a, b) => head.split(b).length - head.split(a).length)
  const parser = parse({ delimiter, bom: true, skip_empty_lines: true, trim: true, max_record_size: 1_000_000 })
  Readable.from(slicesOf(bytes)).pipe(parser)
  return parser
}

/** In pieces, so that the parser doesn't make records of the whole file before the first is taken. */
function* slicesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}

async function* readable(parser: Parser): AsyncGenerator<string[]> {
  try {
    for await (const cells of parser) yield cells as string[]
  } catch (error) {
    if (error instanceof CsvError) throw unreadable(`It is no table: ${error.message}.`, error)
    throw error
  }
}

/** Which cells of a row are the values of which input. */
class Columns {
  readonly #inputs: ModelInput[]
  readonly #options: TableOptions
  #names: string[] = []
  /** The positions of each input's cells. */
  #places: number[][] = []

  constructor(inputs: ModelInput[], options: TableOptions) {
    this.#inputs = inputs
    this.#options = options
  }

  get isReady(): boolean {
    return this.#names.length > 0
  }

  prepare(head: string[]): void {
    const { header, columns, known } = this.#options
    this.#names = header ? head : head.map((_, index) => `column ${index + 1}`)
    const sizes = this.#inputs.map(({ name, shape }) => sizeOf(name, shape, this.#inputs.length))
    const asked =
      columns ?? this.#found(known) ?? (this.#inputs.length > 1 ? this.#inputs.map(({ name }) => name) : this.#names)
    const size = sizes.reduce<number>((sum, it) => sum + (it ?? asked.length), 0)
    if (asked.length !== size)
      throw unreadable(
        `The model takes ${size} values a row, and ${columns ? 'columns names' : 'the table has'} ${asked.length}. ` +
          `${header ? `Name in columns which of ${listed(this.#names)} it takes.` : ''}`,
      )
    const places = asked.map((name) => this.#placeOf(name))
    let at = 0
    this.#places = sizes.map((it) => {
      const of = places.slice(at, at + (it ?? asked.length))
      at += of.length
      return of
    })
  }

  /** Appends a row's values to those of the rows before it. */
  take(cells: string[], row: number, into: Value[][]): void {
    for (const [index, places] of this.#places.entries()) {
      const type = this.#inputs[index]?.type
      for (const place of places) into[index]?.push(cellValue(cells[place], type, () => this.#at(row, place)))
    }
  }

  #found(known: string[] | undefined): string[] | undefined {
    const there = new Set(this.#names.map(plain))
    return known?.every((name) => there.has(plain(name))) ? known : undefined
  }

  #placeOf(name: string): number {
    const place = this.#names.indexOf(name)
    const near = place === -1 ? this.#names.findIndex((it) => plain(it) === plain(name)) : place
    if (near === -1) throw unreadable(`The table has no column ${name}, only ${listed(this.#names)}.`)
    return near
  }

  #at(row: number, place: number): string {
    return `Row ${row}, ${this.#names[place]?.slice(0, 100)}`
  }
}

/** How many values of a row an input takes; null for any number. */
const sizeOf = (name: string, shape: (number | null)[], inputs: number): number | null => {
  const open = shape.filter((it) => it === null).length
  if (open === 0) return shape.reduce<number>((product, it) => product * (it ?? 1), 1)
  if (open === 1 && shape.length === 1 && inputs === 1) return null
  const message = `The model can’t be run on a table: its input ${name.slice(0, 200)} is [rows, ${shape.map((it) => it ?? '?').join(', ')}].`
  throw new PermanentError('MODEL_UNSUPPORTED', message)
}

const cellValue = (cell: string | undefined, type: string | undefined, where: () => string): Value => {
  if (cell === undefined) throw unreadable(`${where()}: the row is too short.`)
  if (type === 'string') return cell
  const isFloat = type === 'float32' || type === 'float64'
  const number = cell === '' ? Number.NaN : Number(cell)
  // An empty cell is a missing value.
  if (Number.isNaN(number) && !(isFloat && /^(nan)?$/i.test(cell)))
    throw unreadable(`${where()}: expected a number, and not ${JSON.stringify(cell.slice(0, 50))}.`)
  if (!isFloat && !Number.isSafeInteger(number))
    throw unreadable(`${where()}: expected a whole number, and not ${cell.slice(0, 50)}.`)
  const [least, most] = RANGES[type ?? ''] ?? []
  if ((least !== undefined && number < least) || (most !== undefined && number > most))
    throw unreadable(`${where()}: expected a number that ${type} has room for, and not ${cell.slice(0, 50)}.`)
  return number
}

/** The ranges of whole numbers. Without the check, 300 as a byte would silently become 44. */
const RANGES: Record<string, [least: number, most?: number]> = {
  int8: [-(2 ** 7), 2 ** 7 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint8: [0, 2 ** 8 - 1],
  uint16: [0, 2 ** 16 - 1],
  uint32: [0, 2 ** 32 - 1],
  uint64: [0],
}

/** `Petal_length (cm)` and `petal length cm` count as the same name. */
const plain = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()

const listed = (names: string[]): string => {
  const some = names
    .slice(0, 20)
    .map((it) => it.slice(0, 50))
    .join(', ')
  return names.length > 20 ? `${some}, … (${names.length})` : some
}

const unreadable = (message: string, cause?: unknown): PermanentError =>
  new PermanentError('INPUT_UNREADABLE', message.slice(0, 2_000), { cause })
