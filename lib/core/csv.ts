/** One line of a CSV file, with its end; RFC 4180. Fields are made safe by {@link csvField}. */
export const csvLine = (values: readonly (string | number)[]): string => `${values.map(csvField).join(',')}\r\n`

/** One field. Text that a spreadsheet would take for a formula gets an apostrophe, which makes it text there too. */
export const csvField = (value: string | number): string => {
  if (typeof value === 'number') return String(value)
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
