import { z } from 'zod'
import { defineJob } from '../../lib/jobs/define.ts'
import { checkSizes, MAX_BYTES } from './image/limits.ts'
import { madeImage, writeImage } from './image/made-image.ts'
import { inTurn } from './image/room.ts'
import { size } from './image/size.ts'

export const imageResize = defineJob({
  kind: 'image.resize',
  summary: 'Makes a picture into other sizes and formats',
  input: z.strictObject({
    fileId: z
      .uuid()
      .toLowerCase()
      .meta({ description: 'An uploaded jpeg, png, webp, avif, gif or tiff: at most 50 MB and 50 megapixels' }),
    sizes: z.array(size).min(1).max(10),
  }),
  output: z.object({ images: z.array(madeImage).meta({ description: 'In the order of `sizes`' }) }),
  checkpoint: z.object({ images: z.array(madeImage).meta({ description: 'Those that are made' }) }),
  checkpointVersion: 2,
  migrateCheckpoint: (checkpoint) => {
    const { images } = checkpoint as { images: Omit<z.infer<typeof madeImage>, 'frames'>[] }
    return { images: images.map((image) => ({ ...image, frames: 1 })) }
  },
  concurrency: 2,
  async *run({ input: { fileId, sizes }, checkpoint, files }) {
    let images = checkpoint?.images ?? []
    if (images.length === sizes.length) return { images }

    // Loaded when the first picture comes, not with the registry: sharp is 20 MB of library that the API never needs.
    const { framesIn, inspect, make, memoryFor } = await import('./image/codec.ts')
    const file = await files.read(fileId, { maxBytes: MAX_BYTES })
    const original = await inspect(file.bytes)
    checkSizes(original, sizes, (format) => framesIn(original, format))
    const demands = sizes.map((size) => ({ size, bytes: memoryFor(original, size) }))

    for (const { size, bytes } of demands.slice(images.length)) {
      const image = yield* inTurn(bytes, async () =>
        writeImage(files, file, await make(file.bytes, original, size), size.format),
      )
      images = [...images, image]
      // Durable: a file that is in no checkpoint would be made again.
      yield { checkpoint: { images }, progress: images.length / sizes.length, partial: { images }, durable: true }
    }
    return { images }
  },
})
