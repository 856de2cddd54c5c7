import { PermanentError } from '../../../lib/jobs/define.ts'

/** Of a picture that moves, and pages of a tiff. */
const MAX_FRAMES = 1_000

/** Segments, chunks, extensions, tags: what a file is made of, besides its pixels. A real one has hundreds at most. */
const MAX_PARTS = 20_000

/** Texts and profiles of a png, each of which inflates to 8 MB, and takes 20. A real one has a profile and a few texts. */
const MAX_COMPRESSED = 8

/**
 * Walks along a file's outline and refuses what has too many parts. The libraries that decode it take a second for some
 * ten thousands of them, quadratic time for frames, and hundreds of megabytes: nothing that a limit on pixels would stop.
 * @throws {PermanentError} IMAGE_TOO_LARGE
 */
export const checkOutline = (bytes: Buffer): void => {
  const walk = WALKS[bytes.toString('latin1', 0, 4).slice(0, bytes[0] === 0xff ? 2 : 4)]
  const counts = { frame: 0, part: 0, compressed: 0 }
  try {
    for (const part of walk?.(bytes) ?? []) {
      counts[part]++
      if (counts.frame > MAX_FRAMES) throw tooMany('frames', MAX_FRAMES)
      if (counts.part > MAX_PARTS) throw tooMany('parts', MAX_PARTS)
      if (counts.compressed > MAX_COMPRESSED) throw tooMany('compressed texts', MAX_COMPRESSED)
    }
  } catch (error) {
    // The file is cut off. The decoder's error says that better.
    if (!(error instanceof RangeError)) throw error
  }
}

const tooMany = (what: string, most: number): PermanentError =>
  new PermanentError('IMAGE_TOO_LARGE', `The picture has more than ${most} ${what}.`)

type Part = 'frame' | 'part' | 'compressed'

/** PNG (W3C), 5.3: length, type, data, checksum. */
function* pngChunks(bytes: Buffer): Generator<Part> {
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const type = bytes.toString('latin1', at + 4, at + 8)
    if (['zTXt', 'iTXt', 'iCCP'].includes(type)) yield 'compressed'
    else if (type !== 'IDAT') yield 'part'
  }
}

/** JPEG (ITU T.81), B.1.1: segments up to the first scan. Scans are counted by libvips. */
function* jpegSegments(bytes: Buffer): Generator<Part> {
  for (let at = 2; bytes.readUInt8(at) === 0xff && bytes.readUInt8(at + 1) !== 0xda; ) {
    yield 'part'
    // A marker may be filled up in front with more of 0xff.
    at += bytes.readUInt8(at + 1) === 0xff ? 1 : 2 + bytes.readUInt16BE(at + 2)
  }
}

/** GIF89a, appendix A. */
function* gifBlocks(bytes: Buffer): Generator<Part> {
  const colours = (flags: number): number => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0)
  let at = 13 + colours(bytes.readUInt8(10))
  for (;;) {
    const block = bytes.readUInt8(at)
    if (block !== 0x2c && block !== 0x21) return
    yield block === 0x2c ? 'frame' : 'part'
    at += block === 0x2c ? 11 + colours(bytes.readUInt8(at + 9)) : 2
    while (bytes.readUInt8(at) > 0) at += 1 + bytes.readUInt8(at)
    at++
  }
}

/** WebP (RFC 9649), 2.3. */
function* webpChunks(bytes: Buffer): Generator<Part> {
  for (let at = 12; at < bytes.length; ) {
    yield bytes.toString('latin1', at, at + 4) === 'ANMF' ? 'frame' : 'part'
    const size = bytes.readUInt32LE(at + 4)
    at += 8 + size + (size % 2)
  }
}

/** TIFF 6.0, section 2, and BigTIFF: directories of tags. A chain that leads back into itself ends at the limit, too. */
function* tiffDirectories(bytes: Buffer): Generator<Part> {
  const little = bytes.readUInt8(0) === 0x49
  const big = bytes.readUInt8(little ? 2 : 3) === 0x2b
  const short = (at: number): number => (little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at))
  const long = (at: number): number => (little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at))
  const quad = (at: number): number => Number(little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at))
  for (let at = big ? quad(8) : long(4); at !== 0; ) {
    yield 'frame'
    const tags = big ? quad(at) : short(at)
    for (let tag = 0; tag < tags; tag++) yield 'part'
    at = big ? quad(at + 8 + 20 * tags) : long(at + 2 + 12 * tags)
  }
}

const WALKS: Record<string, (bytes: Buffer) => Generator<Part>> = {
  '\x89PNG': pngChunks,
  '\xff\xd8': jpegSegments,
  GIF8: gifBlocks,
  RIFF: webpChunks,
  'II*\0': tiffDirectories,
  'II+\0': tiffDirectories,
  'MM\0*': tiffDirectories,
  'MM\0+': tiffDirectories,
}
