import sharp, { type Sharp } from 'sharp'
import { PermanentError } from '../../../lib/jobs/define.ts'
import { MAX_SIDE, measure, type Pixels, type Size } from './size.ts'

/** Of a picture that is read: a bomb of a few kilobytes can hold thousands of megapixels. */
const MAX_PIXELS = 50_000_000

/** AVIF's usual 4 takes ten times as long, for files that are a few percent smaller. */
const AVIF_EFFORT = 2

const LOADERS = ['Jpeg', 'Png', 'Webp', 'Heif', 'Nsgif', 'Tiff']

// What strangers send is decoded here: of libvips' loaders only those that are needed, and no vector or document formats.
sharp.block({ operation: ['VipsForeignLoad'] })
sharp.unblock({ operation: LOADERS.map((loader) => `VipsForeignLoad${loader}Buffer`) })
// No picture comes twice.
sharp.cache(false)

/**
 * How large a picture is, the right way up; from its head, without decoding it.
 * @throws {PermanentError} IMAGE_UNREADABLE, IMAGE_TOO_LARGE
 */
export const inspect = async (bytes: Buffer): Promise<Pixels> => {
  const { width, height, autoOrient } = await readable(() => sharp(bytes, { limitInputPixels: false }).metadata())
  if (width * height <= MAX_PIXELS) return autoOrient
  throw new PermanentError('IMAGE_TOO_LARGE', `The picture has ${width} × ${height} pixels, of at most ${MAX_PIXELS}.`)
}

/** @throws {PermanentError} IMAGE_TOO_LARGE, for a size that has a side out of bounds */
export const checkSizes = (from: Pixels, sizes: Size[]): void => {
  for (const [index, size] of sizes.entries()) {
    const { width, height } = measure(from, size)
    if (Math.max(width, height) <= MAX_SIDE) continue
    const message = `sizes[${index}] would be ${width} × ${height}, of at most ${MAX_SIDE} pixels on each side.`
    throw new PermanentError('IMAGE_TOO_LARGE', message)
  }
}

/**
 * Makes a picture of another size, the right way up, in sRGB, without the metadata (where it was taken, and by whom).
 * @throws {PermanentError} IMAGE_UNREADABLE, for one that is cut off or damaged
 */
export const resize = async (bytes: Buffer, size: Size): Promise<Pixels & { bytes: Buffer }> => {
  const { width, height, fit, format } = size
  const background = { r: 255, g: 255, b: 255, alpha: format === 'jpeg' ? 1 : 0 }
  const { data, info } = await readable(() => {
    const image = sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: 'warning' }).autoOrient()
    const resized = image.resize({ ...(width && { width }), ...(height && { height }), fit, background })
    return encode(resized, size).toBuffer({ resolveWithObject: true })
  })
  return { bytes: data, width: info.width, height: info.height }
}

const encode = (image: Sharp, { format, quality }: Size): Sharp => {
  const options = quality === undefined ? {} : { quality }
  if (format === 'jpeg') return image.flatten({ background: '#ffffff' }).jpeg(options)
  if (format === 'avif') return image.avif({ ...options, effort: AVIF_EFFORT })
  return image.toFormat(format, options)
}

/** What sharp throws, at once or later, is about the picture. */
const readable = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new PermanentError('IMAGE_UNREADABLE', `The file can't be read as a picture: ${message}`, { cause: error })
  }
}
