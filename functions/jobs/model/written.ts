import { z } from 'zod'
import { PermanentError, type SharedJobContext } from '../../../lib/jobs/define.ts'
import { MAX_OUTPUT_BYTES } from './limits.ts'
import { headOf, linesOf, prediction, withShown } from './predictions.ts'
import type { Outputs } from './session.ts'

type Files = SharedJobContext<unknown, unknown>['files']

/** The most characters of lines in a checkpoint, which may have 1 MiB. Beyond that they become a file. */
const MAX_LINES_LENGTH = 128 * 1024

const file = z.object({ fileId: z.uuid(), sizeBytes: z.int() })

/** The predictions so far. */
export const written = z.object({
  rows: z.int(),
  predictions: z.array(prediction).meta({ description: 'Those that the result shows' }),
  lines: z.string().meta({ description: 'Of the CSV, the end that is in no part yet' }),
  parts: z.array(file).meta({ description: 'Files with the lines before' }),
  file: file.optional().meta({ description: 'All lines' }),
})
export type Written = z.infer<typeof written>

export const nothing = (): Written => ({ rows: 0, predictions: [], lines: '', parts: [] })

/** Adds a batch of rows. */
export const withBatch = (before: Written, batch: Outputs, classes: string[] | undefined): Written => {
  const { rows, predictions } = before
  const head = rows === 0 ? headOf(batch, classes) : before.lines
  return {
    ...before,
    rows: rows + batch.rows.length,
    predictions: withShown(predictions, batch, classes, rows),
    lines: head + linesOf(batch, classes, rows),
  }
}

export const isFull = ({ lines }: Written): boolean => lines.length > MAX_LINES_LENGTH

/**
 * Puts the lines away in a file of their own.
 * @throws {PermanentError} RESULT_TOO_LARGE
 */
export const withPart = async (files: Files, { lines, parts, ...rest }: Written): Promise<Written> => {
  const made = [...parts, await files.write(csv(`predictions-part-${parts.length + 1}`, [Buffer.from(lines)]))]
  const sizeBytes = made.reduce((sum, it) => sum + it.sizeBytes, 0)
  if (sizeBytes <= MAX_OUTPUT_BYTES) return { ...rest, lines: '', parts: made }
  await files.remove(made.map(({ fileId }) => fileId))
  const message = `The predictions for ${rest.rows} rows have ${sizeBytes} bytes already, of at most ${MAX_OUTPUT_BYTES}.`
  throw new PermanentError('RESULT_TOO_LARGE', message)
}

/** Joins all parts into one file. */
export const writeAll = async (files: Files, { lines, parts }: Written, name: string) => {
  const bytes: Buffer[] = []
  for (const { fileId, sizeBytes } of parts) bytes.push((await files.read(fileId, { maxBytes: sizeBytes })).bytes)
  return files.write(csv(name, [...bytes, Buffer.from(lines)]))
}

const csv = (name: string, bytes: Buffer[]) => ({
  name: `${name}.csv`,
  contentType: 'text/csv',
  bytes: Buffer.concat(bytes),
})
