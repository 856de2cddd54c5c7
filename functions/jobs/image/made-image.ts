import { parse } from 'node:path'
import { z } from 'zod'
import type { JobFile, SharedJobContext } from '../../../lib/jobs/define.ts'
import type { Made } from './codec.ts'
import { type Format, format } from './size.ts'

/** A picture that was made and stored. */
export const madeImage = z.object({
  fileId: z.uuid(),
  width: z.int(),
  height: z.int(),
  format,
  frames: z.int().meta({ description: 'More than one if it moves' }),
  sizeBytes: z.int(),
})
export type MadeImage = z.infer<typeof madeImage>

/** Stores a picture, named after the original and its size. */
export const writeImage = async (
  files: SharedJobContext<unknown, unknown>['files'],
  original: Pick<JobFile, 'name'>,
  { bytes, width, height, frames }: Made,
  format: Format,
): Promise<MadeImage> => {
  const extension = format === 'jpeg' ? 'jpg' : format
  const name = `${parse(original.name).name.slice(0, 200)}-${width}x${height}.${extension}`
  const written = await files.write({ name, contentType: `image/${format}`, bytes })
  return { ...written, width, height, format, frames }
}
