import { PermanentError } from '../../../lib/jobs/define.ts'
import { type Format, MAX_SIDE, measure, type Pixels, type Size } from './size.ts'

/** Of a file. */
export const MAX_BYTES = 50_000_000

/** Of a picture, all frames together: a bomb of a few kilobytes can hold thousands of megapixels. */
export const MAX_PIXELS = 50_000_000

/** How long a side each format can have. */
const FORMAT_SIDES: Record<Format, number> = { jpeg: 65_500, png: 65_535, webp: 16_383, avif: 16_384, gif: 65_535 }

/** A picture as it came. */
export interface Original extends Pixels {
  /** More than one if it is animated. */
  frames: number
  /** What decoding it takes. */
  came: {
    /** By libvips' name: an avif is `heif`. */
    format: string
    channels: number
    /** Bits of one channel of a pixel. */
    sampleBytes: number
    hasAlpha: boolean
    /** Whether its lines are not stored one after the other. */
    interlaced: boolean
    /** Whether it is stored on its side or upside down. */
    turned: boolean
  }
}

/** @throws {PermanentError} IMAGE_TOO_LARGE, for a size that has a side, or with its frames an area, out of bounds */
export const checkSizes = (from: Original, sizes: Size[], framesIn: (format: Format) => number): void => {
  for (const [index, size] of sizes.entries()) {
    const { width, height } = measure(from, size)
    const frames = framesIn(size.format)
    if (Math.max(width, height) > MAX_SIDE) {
      const message = `sizes[${index}] would be ${width} × ${height}, of at most ${MAX_SIDE} pixels on each side.`
      throw new PermanentError('IMAGE_TOO_LARGE', message)
    }
    if (frames > 1 && width * height * frames > MAX_PIXELS) {
      const message = `sizes[${index}] would be ${width} × ${height} in ${frames} frames, of at most ${MAX_PIXELS} pixels.`
      throw new PermanentError('IMAGE_TOO_LARGE', message)
    }
  }
}

/** @throws {PermanentError} IMAGE_TOO_LARGE, for a picture that a format has no room for */
export const checkFormat = ({ width, height }: Pixels, format: Format): void => {
  if (Math.max(width, height) <= FORMAT_SIDES[format]) return
  const message = `The picture is ${width} × ${height}; ${format} has at most ${FORMAT_SIDES[format]} pixels on each side.`
  throw new PermanentError('IMAGE_TOO_LARGE', message)
}
