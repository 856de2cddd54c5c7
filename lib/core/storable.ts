/** Text as Postgres accepts it: without NUL and lone surrogates. */
export const storable = (text: string): string => text.toWellFormed().replaceAll('\0', '')
