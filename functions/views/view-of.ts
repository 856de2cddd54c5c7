import type { z } from 'zod'

/** Has each field of the view; where that is a time it may be a Date. */
type RowOf<S extends z.ZodObject> = {
  [Field in keyof z.input<S>]: string extends z.input<S>[Field] ? z.input<S>[Field] | Date : z.input<S>[Field]
}

/**
 * Makes answers of rows: the fields that the schema declares and no others, with times in RFC 3339.
 * @example const toModel = viewOf(deviceModel)
 */
export const viewOf = <S extends z.ZodObject>(schema: S): ((row: RowOf<S>) => z.input<S>) => {
  const names = Object.keys(schema.shape)
  return (row) => {
    const view: Record<string, unknown> = {}
    for (const name of names) {
      const value: unknown = row[name as keyof typeof row]
      view[name] = value instanceof Date ? value.toISOString() : value
    }
    return view as z.input<S>
  }
}
