import sharp, { type Metadata, type Sharp } from 'sharp'
import { PermanentError } from '../../../lib/jobs/define.ts'
import { MAX_PIXELS, type Original } from './limits.ts'
import { demandMemory } from './memory.ts'
import { checkOutline } from './outline.ts'
import type { Format, Pixels, Size } from './size.ts'

/** AVIF's usual 4 takes ten times as long, for files that are a few percent smaller. */
const AVIF_EFFORT = 2

/** From 3 on, the encoder keeps all that it finds out about the picture: three times the memory for 1 % smaller files. */
const WEBP_EFFORT = 2

/**
 * By the clock, since it can't be told how much of the process's computing is a picture's. So it is far more than any
 * picture within the limits takes where others work on the same cores: a good one of 49 megapixels, which takes 20 s of
 * them as webp, had not got those in two minutes. libvips looks at the clock as lines are made: the encoders of webp and avif,
 * which begin with the whole picture, are not interrupted.
 */
const TIMEOUT_SECONDS = 600

const LOADERS = ['Jpeg', 'Png', 'Webp', 'Heif', 'Nsgif', 'Tiff']

/** The formats of animated pictures, to read and to write. */
const ANIMATED = ['gif', 'webp']

// What strangers send is decoded here: of libvips' loaders only those that are needed, and no vector or document formats.
sharp.block({ operation: ['VipsForeignLoad'] })
sharp.unblock({ operation: LOADERS.map((loader) => `VipsForeignLoad${loader}Buffer`) })
// A cache would help nobody: no picture comes twice.
sharp.cache(false)

/**
 * How large a picture is, the right way up, and how many frames it has; from its head, without decoding it.
 * @throws {PermanentError} IMAGE_UNREADABLE, IMAGE_TOO_LARGE
 */
export const inspect = async (bytes: Buffer): Promise<Original> => {
  checkOutline(bytes)
  const head = await readable(() => sharp(bytes, { limitInputPixels: false }).metadata())
  const frames = ANIMATED.includes(head.format) ? (head.pages ?? 1) : 1
  const { width, height } = head
  if (width * height * frames > MAX_PIXELS) {
    const each = frames === 1 ? '' : ` in each of ${frames} frames`
    const message = `The picture has ${width} × ${height} pixels${each}, of at most ${MAX_PIXELS} in all.`
    throw new PermanentError('IMAGE_TOO_LARGE', message)
  }
  // Frames are never rotated: browsers don't rotate them, either.
  const pixels = frames > 1 ? { width, height } : head.autoOrient
  return { ...pixels, frames, came: howItCame(head, frames) }
}

const howItCame = (head: Metadata, frames: number): Original['came'] => ({
  format: head.format,
  channels: head.channels,
  sampleBytes: SAMPLE_BYTES[head.depth] ?? 16,
  hasAlpha: head.hasAlpha,
  interlaced: head.isProgressive,
  turned: frames === 1 && (head.orientation ?? 1) > 1,
})

const SAMPLE_BYTES: Record<string, number> = { uchar: 1, char: 1, ushort: 2, short: 2, uint: 4, int: 4, float: 4 }

/** Whether a picture keeps all its frames in a format. In others, only the first one is left. */
export const framesIn = (original: Original, format: Format): number =>
  ANIMATED.includes(format) ? original.frames : 1

/** What it takes to make a picture, at most. @throws {PermanentError} IMAGE_TOO_LARGE */
export const memoryFor = (original: Original, into: Into): number =>
  demandMemory(original, into, framesIn(original, into.format))

type Into = Pick<Size, 'format' | 'quality'> & Partial<Size>

export interface Made extends Pixels {
  bytes: Buffer
  frames: number
}

/**
 * Makes a picture into another format, and of another size if one is given: the right way up, in sRGB, without the
 * metadata (where it was taken, and by whom).
 * @throws {PermanentError} IMAGE_UNREADABLE, for one that is cut off or damaged; IMAGE_TOO_SLOW
 */
export const make = async (bytes: Buffer, original: Original, into: Into, seconds = TIMEOUT_SECONDS): Promise<Made> => {
  const frames = framesIn(original, into.format)
  const { data, info } = await readable(() => {
    const options = { limitInputPixels: MAX_PIXELS, failOn: 'warning', animated: frames > 1 } as const
    const image = sharp(bytes, options).timeout({ seconds })
    const upright = frames > 1 ? image : image.autoOrient()
    return encode(resized(upright, into), into).toBuffer({ resolveWithObject: true })
  })
  // Frames lie one below the other.
  return { bytes: data, width: info.width, height: info.pageHeight ?? info.height, frames }
}

const resized = (image: Sharp, { width, height, fit, format }: Partial<Size>): Sharp => {
  if (width === undefined && height === undefined) return image
  const background = { r: 255, g: 255, b: 255, alpha: format === 'jpeg' ? 1 : 0 }
  return image.resize({ ...(width && { width }), ...(height && { height }), ...(fit && { fit }), background })
}

const encode = (image: Sharp, { format, quality }: Pick<Size, 'format' | 'quality'>): Sharp => {
  const options = quality === undefined ? {} : { quality }
  if (format === 'jpeg') return image.flatten({ background: '#ffffff' }).jpeg(options)
  // Half the colour resolution, as in jpeg and webp, for a third less memory.
  if (format === 'avif') return image.avif({ ...options, effort: AVIF_EFFORT, chromaSubsampling: '4:2:0' })
  if (format === 'webp') return image.webp({ ...options, effort: WEBP_EFFORT })
  return image.toFormat(format, options)
}

/** An error of sharp, thrown at once or later, is about the picture, or says that it took too long. */
export const readable = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (message.startsWith('timeout: ')) {
      const tooSlow = 'It took too long to make the picture. Try again when less is to be done, or a smaller one.'
      throw new PermanentError('IMAGE_TOO_SLOW', tooSlow, { cause: error })
    }
    throw new PermanentError('IMAGE_UNREADABLE', `The file can't be read as a picture: ${message}`, { cause: error })
  }
}
