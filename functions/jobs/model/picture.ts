import sharp from 'sharp'
import { PermanentError } from '../../../lib/jobs/define.ts'
import { inspect, readable } from '../image/codec.ts'
import { MAX_PIXELS } from '../image/limits.ts'
import { MAX_PICTURE_VALUES } from './limits.ts'
import type { ModelInput } from './session.ts'

/** The form in which a model takes pictures. */
interface Layout {
  width: number
  height: number
  channels: 1 | 3
  /** Whether one channel follows the other as a whole; otherwise the channels of each pixel are together. */
  planar: boolean
}

/**
 * A picture in the form that a model takes: the right way up, its middle scaled to the model's size, in grey or RGB, from
 * 0 to 1, or to 255 for a model of bytes. Then `mean` is subtracted, and the rest divided by `std`.
 * @throws {PermanentError} IMAGE_UNREADABLE, IMAGE_TOO_LARGE, MODEL_UNSUPPORTED
 */
export const pixelsOf = async (
  bytes: Buffer,
  inputs: ModelInput[],
  { mean = [], std = [] }: { mean?: number[] | undefined; std?: number[] | undefined },
): Promise<number[]> => {
  const [input, ...others] = inputs
  const layout = others.length === 0 && input ? layoutOf(input) : undefined
  if (!input || !layout)
    throw new PermanentError(
      'MODEL_UNSUPPORTED',
      'The model can’t be run on a picture: it must have one input, [rows, 1 or 3, height, width] or [rows, height, width, 1 or 3].',
    )
  const { width, height, channels, planar } = layout
  if (width * height * channels > MAX_PICTURE_VALUES) {
    const message = `The model can’t be run: it takes pictures of ${width} × ${height} pixels, of ${channels} channels each; at most ${MAX_PICTURE_VALUES} values.`
    throw new PermanentError('MODEL_UNSUPPORTED', message)
  }
  await inspect(bytes)
  const picture = sharp(bytes, { limitInputPixels: MAX_PIXELS, failOn: 'warning' })
    .autoOrient()
    .flatten({ background: '#ffffff' })
    .resize(width, height, { fit: 'cover' })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .raw()
  const { data, info } = await readable(() => picture.toBuffer({ resolveWithObject: true }))
  const most = input.type === 'uint8' ? 1 : 255
  const values = new Array<number>(width * height * channels)
  for (let pixel = 0; pixel < width * height; pixel++)
    for (let channel = 0; channel < channels; channel++) {
      const value = (data[pixel * info.channels + channel] ?? 0) / most
      const place = planar ? channel * width * height + pixel : pixel * channels + channel
      values[place] = (value - (mean[channel] ?? mean[0] ?? 0)) / (std[channel] ?? std[0] ?? 1)
    }
  return values
}

const layoutOf = ({ shape }: ModelInput): Layout | undefined => {
  const [a, b, c] = shape
  if (shape.length !== 3 || !a || !b || !c) return undefined
  if (a === 1 || a === 3) return { channels: a, height: b, width: c, planar: true }
  if (c === 1 || c === 3) return { height: a, width: b, channels: c, planar: false }
  return undefined
}
