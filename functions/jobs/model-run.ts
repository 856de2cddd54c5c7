import { parse } from 'node:path'
import { z } from 'zod'
import { defineJob } from '../../lib/jobs/define.ts'
import { MAX_INPUT_BYTES, MAX_MODEL_BYTES } from './model/limits.ts'
import { prediction } from './model/predictions.ts'
import { isShipped, readShipped, SHIPPED } from './model/shipped.ts'
import { isFull, nothing, withBatch, withPart, writeAll, written } from './model/written.ts'

const name = z.string().trim().min(1).max(200)
const names = z.array(name).min(1).max(1_000)

export const modelRun = defineJob({
  kind: 'model.run',
  summary: 'Runs a trained model (ONNX) on the rows of a table, or on a picture',
  input: z.strictObject({
    // One string and not a union, for which forms and flags would ask for JSON.
    model: z
      .string()
      .toLowerCase()
      .refine(
        (it) => isShipped(it) || z.uuid().safeParse(it).success,
        `expected ${SHIPPED.join(', ')} or the id of a file`,
      )
      .meta({
        description: 'iris or digits, which come with Stint, or the id of a file: an ONNX model of at most 50 MB',
        examples: ['iris'],
      }),
    fileId: z
      .uuid()
      .toLowerCase()
      .meta({ description: 'A CSV file of at most a million rows, or a picture; at most 50 MB' }),
    headerless: z
      .boolean()
      .default(false)
      .meta({ description: 'Whether the first line of the CSV is already a row, not the column names' }),
    columns: names.optional().meta({ description: 'The columns that the model takes, in the model’s order' }),
    classes: names.optional().meta({ description: "What the model's scores are for" }),
    mean: z
      .array(z.number())
      .min(1)
      .max(3)
      .optional()
      .meta({ description: 'Subtracted from each channel of a picture, 0 to 1' }),
    std: z
      .array(z.number().positive())
      .min(1)
      .max(3)
      .optional()
      .meta({ description: 'What each channel is then divided by' }),
  }),
  output: z.object({
    rows: z.int(),
    predictions: z.array(prediction).meta({ description: 'The first ones' }),
    fileId: z.uuid().meta({ description: 'All of them, as CSV' }),
    sizeBytes: z.int(),
  }),
  checkpoint: written,
  queue: 'compute',
  concurrency: 1,
  async *run({ input: { model, fileId, classes, headerless, ...options }, checkpoint, files, signal }) {
    let known = checkpoint ?? nothing()
    let { file } = known
    if (!file) {
      const input = await files.read(fileId, { maxBytes: MAX_INPUT_BYTES })
      const bytes = isShipped(model)
        ? await readShipped(model)
        : (await files.read(model, { maxBytes: MAX_MODEL_BYTES })).bytes
      const isPicture = input.contentType.startsWith('image/')
      const task = { model: bytes, input: input.bytes, isPicture, header: !headerless, ...options, first: known.rows }
      // Loaded when the first model comes, not with the registry: the API never needs it.
      const { openModel } = await import('./model/model-thread.ts')
      const thread = await openModel(task, { signal })
      try {
        for (let batch = await thread.next(); batch; batch = await thread.next()) {
          known = withBatch(known, batch, classes ?? thread.classes)
          // Durable: a file that is in no checkpoint would be made again.
          const durable = isFull(known)
          if (durable) known = await withPart(files, known)
          const { rows, predictions } = known
          yield { checkpoint: known, progress: 0.99 * batch.read, partial: { rows, predictions }, durable }
        }
      } finally {
        await thread.close()
      }
      file = await writeAll(files, known, `${parse(input.name).name.slice(0, 200)}-predictions`)
      yield { checkpoint: { ...known, lines: '', file }, progress: 1, durable: true }
    }
    const { rows, predictions, parts } = known
    await files.remove(parts.map((it) => it.fileId))
    return { rows, predictions, ...file }
  },
})
