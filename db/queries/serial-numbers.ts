import type { Sql } from '../client.ts'

export interface SerialNumberRow {
  number: number
  serial: string
  jobId: string
  createdAt: Date
}

export interface NumberRange {
  first: number
  last: number
}

/**
 * Inserts the serials of a range of numbers, made by the database. Numbers that are there already are left alone,
 * whoever made them. A serial is the code, eight digits, and the two check digits of ISO/IEC 7064 MOD 97-10.
 * @returns how many are new
 */
export const insertRange = async (
  sql: Sql,
  made: { deviceModelId: string; jobId: string; code: string; codeModulo97: number },
  { first, last }: NumberRange,
): Promise<number> => {
  const result = await sql`
    INSERT INTO serial_numbers (device_model_id, number, job_id, serial)
    SELECT ${made.deviceModelId}, n, ${made.jobId},
           ${`${made.code}-`} || lpad(n::text, 8, '0') || '-' ||
           lpad((98 - (${made.codeModulo97}::bigint * 100000000 + n) * 100 % 97)::text, 2, '0')
    FROM generate_series(${first}::bigint, ${last}::bigint) AS n
    ON CONFLICT (device_model_id, number) DO NOTHING`
  return result.count
}

/** The lowest number of a range that another job made, or null if there is none. */
export const findForeign = async (
  sql: Sql,
  own: { deviceModelId: string; jobId: string },
  { first, last }: NumberRange,
): Promise<number | null> => {
  const [row] = await sql<{ number: number }[]>`
    SELECT number FROM serial_numbers
    WHERE device_model_id = ${own.deviceModelId} AND number BETWEEN ${first} AND ${last} AND job_id <> ${own.jobId}
    ORDER BY number LIMIT 1`
  return row?.number ?? null
}

/** Those of a range of numbers, in their order. */
export const listRange = (
  sql: Sql,
  deviceModelId: string,
  { first, last }: NumberRange,
  limit: number,
): Promise<SerialNumberRow[]> => sql`
  SELECT number, serial, job_id, created_at FROM serial_numbers
  WHERE device_model_id = ${deviceModelId} AND number BETWEEN ${first} AND ${last}
  ORDER BY number LIMIT ${limit}`

/** A model's serials in the order of their numbers, after number `after`. */
export const list = (
  sql: Sql,
  deviceModelId: string,
  { after, limit }: { after: number; limit: number },
): Promise<SerialNumberRow[]> => sql`
  SELECT number, serial, job_id, created_at FROM serial_numbers
  WHERE device_model_id = ${deviceModelId} AND number > ${after}
  ORDER BY number LIMIT ${limit}`
