import { PermanentError } from '../../../lib/jobs/define.ts'
import type { Original } from './limits.ts'
import { type Format, measure, type Size } from './size.ts'

/**
 * What all pictures at work in one process may take together. The function that makes them has 1 769 MiB (serverless.yml);
 * of the rest, 150 MiB are Node's, and as many the files of those that wait.
 */
export const MAX_MEMORY_BYTES = 1_250 * 1024 ** 2

/** What sharp takes whatever the picture. */
const SHARP_BYTES = 32 * 1024 ** 2

// Bytes a pixel, measured with noise, of which encoders keep the most: as the peak of a process, 12 to 67 megapixels.

/** Of what is made, its own bytes included: without transparency, and with it, which webp and avif have as a second picture. */
const ENCODING: Record<Format, [opaque: number, transparent: number]> = {
  jpeg: [9, 9],
  png: [10, 10],
  webp: [11, 42],
  avif: [22, 42],
  gif: [16, 16],
}

/** This much more for an avif of a quality above 60: noise in it becomes large files. */
const FINE_AVIF = 7

/** Of an avif that came, while it is decoded, which is before anything is encoded: of 8 bits, and of more. */
const DECODING_AVIF = [19, 26] as const

/** Formats that are decoded line by line as they are encoded. */
const BY_LINE = ['jpeg', 'png']

/** Which a progressive jpeg is all kept as. */
const COEFFICIENT_BYTES = 2

/**
 * What it takes at most to make a picture, from how it came and what it becomes.
 * @param frames that it keeps
 * @throws {PermanentError} IMAGE_TOO_LARGE, when that is more than a process has for all pictures
 */
export const demandMemory = (from: Original, into: Into, frames: number): number => {
  const { width, height } = into.width || into.height ? measure(from, into as Size) : from
  const transparent = from.came.hasAlpha || into.fit === 'contain'
  const fine = into.format === 'avif' && (into.quality ?? 0) > 60 ? FINE_AVIF : 0
  const encoding = width * height * frames * (ENCODING[into.format][transparent ? 1 : 0] + fine)
  const bytes = SHARP_BYTES + Math.max(decodingBytes(from), decodedBytes(from) + encoding)
  if (bytes <= MAX_MEMORY_BYTES) return bytes
  const what = `${into.format} of ${width} × ${height} pixels${transparent ? ' with transparency' : ''}`
  const message =
    `To make the picture into ${what} would take up to ${inMiB(bytes)} MiB of memory, of at most ` +
    `${inMiB(MAX_MEMORY_BYTES)} MiB. Make it smaller, or into another format.`
  throw new PermanentError('IMAGE_TOO_LARGE', message)
}

type Into = Pick<Size, 'format'> & Partial<Size>

const samples = ({ width, height, frames, came }: Original): number => width * height * frames * came.channels

const decodingBytes = ({ width, height, came }: Original): number =>
  came.format === 'heif' ? width * height * DECODING_AVIF[came.sampleBytes > 1 ? 1 : 0] : 0

/** What is kept of the picture as it came while it is encoded. */
const decodedBytes = (from: Original): number => {
  const { format, sampleBytes, interlaced, turned } = from.came
  const whole = BY_LINE.includes(format) && !interlaced ? 0 : format === 'jpeg' ? COEFFICIENT_BYTES : sampleBytes
  return samples(from) * (whole + (turned ? sampleBytes : 0))
}

const inMiB = (bytes: number): number => Math.ceil(bytes / 1024 ** 2)
