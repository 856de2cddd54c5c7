import { parse } from 'node:path'
import { z } from 'zod'
import { defineJob } from '../../lib/jobs/define.ts'
import { type Size, size } from './image/size.ts'

const MAX_BYTES = 50_000_000

const image = z.object({
  fileId: z.uuid(),
  width: z.int(),
  height: z.int(),
  format: z.enum(['jpeg', 'png', 'webp', 'avif']),
  sizeBytes: z.int(),
})

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
  output: z.object({ images: z.array(image).meta({ description: 'In the order of `sizes`' }) }),
  checkpoint: z.object({ images: z.array(image).meta({ description: 'Those that are made' }) }),
  concurrency: 2,
  async *run({ input: { fileId, sizes }, checkpoint, files }) {
    let images = checkpoint?.images ?? []
    if (images.length === sizes.length) return { images }

    // Loaded by the first picture and not with the registry: sharp is 20 MB of library that the API never needs.
    const { checkSizes, inspect, resize } = await import('./image/codec.ts')
    const original = await files.read(fileId, { maxBytes: MAX_BYTES })
    checkSizes(await inspect(original.bytes), sizes)

    for (const size of sizes.slice(images.length)) {
      const { bytes, width, height } = await resize(original.bytes, size)
      const name = nameOf(original.name, { width, height }, size)
      const written = await files.write({ name, contentType: `image/${size.format}`, bytes })
      images = [...images, { ...written, width, height, format: size.format }]
      // Durable: a file that no checkpoint knows would be made once more.
      yield { checkpoint: { images }, progress: images.length / sizes.length, partial: { images }, durable: true }
    }
    return { images }
  },
})

const nameOf = (original: string, { width, height }: { width: number; height: number }, { format }: Size): string =>
  `${parse(original).name.slice(0, 200)}-${width}x${height}.${format === 'jpeg' ? 'jpg' : format}`
