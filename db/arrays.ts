import type { PostgresType } from 'postgres'

/**
 * The arrays that statements take and give. By itself postgres.js asks each new connection which types of arrays there
 * are: a round trip before its first statement, and one whose failure nobody can catch, so that a connection which breaks
 * right then ends the process. A statement that takes arrays of another type needs a line here.
 */
export const arrays = (): Record<string, PostgresType> => ({
  smallints: arrayOf(1005, Number),
  integers: arrayOf(1007, Number),
  bigints: arrayOf(1016, Number),
  reals: arrayOf(1021, Number),
  doubles: arrayOf(1022, Number),
  texts: arrayOf(1009, String),
  uuids: arrayOf(2951, String),
})

/** @param oid of the type of the array, as pg_type has it */
const arrayOf = (oid: number, toElement: (text: string) => unknown): PostgresType => ({
  to: oid,
  from: [oid],
  serialize: (given: unknown) => (Array.isArray(given) ? `{${given.map(write).join(',')}}` : given),
  parse: (text: string) => Array.from(text.matchAll(ELEMENT), ([, quoted, plain]) => read(toElement, quoted, plain)),
})

const write = (element: unknown): string => {
  if (element === null || element === undefined) return 'NULL'
  return typeof element === 'number' ? String(element) : `"${escaped(String(element))}"`
}

/** Nearly no text needs it, and looking is a fifth of the work of replacing. */
const escaped = (text: string): string =>
  SPECIAL.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('"', '\\"') : text

const SPECIAL = /["\\]/

/** One element of an array's text, without its quotes if it has some. */
const ELEMENT = /"((?:[^"\\]|\\.)*)"|([^{},]+)/gs

const read = (toElement: (text: string) => unknown, quoted: string | undefined, plain: string | undefined): unknown => {
  if (quoted !== undefined) return toElement(quoted.replaceAll(/\\(.)/gs, '$1'))
  return plain === undefined || plain === 'NULL' ? null : toElement(plain)
}
