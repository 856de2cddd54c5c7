import { z } from 'zod'
import { defineJob } from '../../lib/jobs/define.ts'
import { checkFormat, MAX_BYTES } from './image/limits.ts'
import { madeImage, writeImage } from './image/made-image.ts'
import { inTurn } from './image/room.ts'
import { format, quality, takesQuality } from './image/size.ts'

export const imageConvert = defineJob({
  kind: 'image.convert',
  summary: 'Makes a picture into another format, as large as it is',
  input: z
    .strictObject({
      fileId: z
        .uuid()
        .toLowerCase()
        .meta({ description: 'An uploaded jpeg, png, webp, avif, gif or tiff: at most 50 MB and 50 megapixels' }),
      format,
      quality,
    })
    .refine(takesQuality, { path: ['quality'], message: 'png and gif have no quality' }),
  output: z.object({ image: madeImage }),
  checkpoint: z.object({ image: madeImage.meta({ description: 'Once it is made' }) }),
  concurrency: 2,
  async *run({ input: { fileId, ...into }, checkpoint, files }) {
    if (checkpoint) return checkpoint

    // Loaded when the first picture comes, not with the registry: sharp is 20 MB of library that the API never needs.
    const { inspect, make, memoryFor } = await import('./image/codec.ts')
    const file = await files.read(fileId, { maxBytes: MAX_BYTES })
    const original = await inspect(file.bytes)
    checkFormat(original, into.format)
    const image = yield* inTurn(memoryFor(original, into), async () =>
      writeImage(files, file, await make(file.bytes, original, into), into.format),
    )
    // Durable: a file that is in no checkpoint would be made again.
    yield { checkpoint: { image }, progress: 1, partial: { image }, durable: true }
    return { image }
  },
})
