import { z } from 'zod'

/** Of a picture that is made: on each side. */
export const MAX_SIDE = 8_192

export const FORMATS = ['jpeg', 'png', 'webp', 'avif', 'gif'] as const
export const format = z.enum(FORMATS)
export type Format = z.infer<typeof format>

export const quality = z
  .int()
  .min(1)
  .max(100)
  .optional()
  .meta({ description: 'Not for png, which loses nothing, nor for gif, which has 256 colours' })

/** Whether a format can be asked for a quality. */
export const takesQuality = (it: { format: Format; quality?: number | undefined }): boolean =>
  it.quality === undefined || !['png', 'gif'].includes(it.format)

/** What a picture is to be made into. */
export const size = z
  .strictObject({
    width: z.int().min(1).max(MAX_SIDE).optional(),
    height: z.int().min(1).max(MAX_SIDE).optional(),
    fit: z.enum(['cover', 'contain', 'fill', 'inside', 'outside']).default('cover').meta({
      description: 'How the picture comes to a given width and height: as in CSS `object-fit`',
    }),
    format: format.default('jpeg'),
    quality,
  })
  .refine(({ width, height }) => width !== undefined || height !== undefined, {
    path: ['width'],
    message: 'give width, height or both',
  })
  .refine(takesQuality, { path: ['quality'], message: 'png and gif have no quality' })
export type Size = z.output<typeof size>

export interface Pixels {
  width: number
  height: number
}

/** What a picture of `from` pixels measures at most when it was made into `size`, known before a pixel of it is made. */
export const measure = (from: Pixels, { width, height, fit }: Size): Pixels => {
  const [x, y] = [width && width / from.width, height && height / from.height]
  if (x !== undefined && y !== undefined && fit !== 'outside')
    return { width: width as number, height: height as number }
  const scale = Math.max(x ?? 0, y ?? 0)
  return { width: Math.round(from.width * scale), height: Math.round(from.height * scale) }
}
