/** Text as Postgres takes it: without NUL and half characters. */
export const storable = (text: string): string => text.toWellFormed().replaceAll('\0', '')
