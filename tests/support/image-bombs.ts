import { crc32, deflateSync, gzipSync } from 'node:zlib'
import sharp from 'sharp'

// Small files that would be huge, or endless, once they are decoded.

const chunk = (type: string, data: Buffer): Buffer => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const frame = Buffer.alloc(8)
  frame.writeUInt32BE(data.length, 0)
  frame.writeUInt32BE(crc32(body), 4)
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)])
}

const pngHead = (width: number, height: number, depth: number, colourType: number): Buffer => {
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([depth, colourType], 8)
  return chunk('IHDR', head)
}

const png = (...chunks: Buffer[]): Buffer =>
  Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), ...chunks, chunk('IEND', Buffer.alloc(0))])

/** A PNG of a few bytes whose head promises this many pixels. */
export const pngThatClaims = (width: number, height: number): Buffer =>
  png(pngHead(width, height, 8, 2), chunk('IDAT', Buffer.alloc(8)))

/** A whole, valid PNG: black, a bit a pixel, 50 MB of zeros in 50 KB. */
export const pngOfZeros = (side: number): Buffer =>
  png(pngHead(side, side, 1, 0), chunk('IDAT', deflateSync(Buffer.alloc((side / 8 + 1) * side))))

const zlibText = (type: string, before: string, bytes: number): Buffer =>
  chunk(type, Buffer.concat([Buffer.from(before, 'latin1'), deflateSync(Buffer.alloc(bytes, 0x20))]))

/** A tiny PNG with this many comments, or colour profiles, of this many bytes each, deflated. */
export const pngWithBombs = (type: 'zTXt' | 'iCCP', bytesEach: number, count = 1): Buffer => {
  const pixel = chunk('IDAT', deflateSync(Buffer.alloc(4)))
  const bomb = zlibText(type, 'Comment\0\0', bytesEach)
  return png(pngHead(1, 1, 8, 2), ...Array<Buffer>(count).fill(bomb), pixel)
}

/** A tiny PNG with this many empty chunks. */
export const pngOfChunks = (count: number): Buffer => {
  const pixel = chunk('IDAT', deflateSync(Buffer.alloc(4)))
  const empty = chunk('tEXt', Buffer.from('a\0'))
  return png(pngHead(1, 1, 8, 2), Buffer.alloc(empty.length * count, empty), pixel)
}

/** A tiny JPEG with this many empty segments. */
export const jpegOfSegments = async (count: number): Promise<Buffer> => {
  const bytes = await sharp({ create: { width: 16, height: 16, channels: 3, background: '#fff' } })
    .jpeg()
    .toBuffer()
  const segments = Buffer.alloc(count * 4, Buffer.from('ffe10002', 'hex'))
  return Buffer.concat([bytes.subarray(0, 2), segments, bytes.subarray(2)])
}

/** A JPEG whose head is changed to promise this many pixels. */
export const jpegThatClaims = async (width: number, height: number): Promise<Buffer> => {
  const bytes = await sharp({ create: { width: 16, height: 16, channels: 3, background: '#fff' } })
    .jpeg()
    .toBuffer()
  const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]))
  bytes.writeUInt16BE(height, frame + 5)
  bytes.writeUInt16BE(width, frame + 7)
  return bytes
}

/** A progressive JPEG that gives its last scan this many times again: each makes the decoder go over the whole picture. */
export const jpegOfScans = async (side: number, scans: number): Promise<Buffer> => {
  const picture = sharp({ create: { width: side, height: side, channels: 3, background: '#fff' } })
  const bytes = await picture.jpeg({ progressive: true }).toBuffer()
  const last = bytes.lastIndexOf(Buffer.from([0xff, 0xda]))
  const scan = bytes.subarray(last, -2)
  return Buffer.concat([bytes.subarray(0, -2), ...Array<Buffer>(scans).fill(scan), bytes.subarray(-2)])
}

/** One white pixel, as LZW. */
const GIF_PIXEL = Buffer.from('0202440100', 'hex')

/** A GIF of this many frames, all of them one pixel large, on a screen of this size. */
export const gifOfFrames = (width: number, height: number, frames: number): Buffer => {
  const head = Buffer.from('47494638396100000000800000000000ffffff', 'hex')
  head.writeUInt16LE(width, 6)
  head.writeUInt16LE(height, 8)
  const control = Buffer.from('21f904000a000000', 'hex')
  const frame = Buffer.concat([control, Buffer.from('2c000000000100010000', 'hex'), GIF_PIXEL])
  return Buffer.concat([head, ...Array<Buffer>(frames).fill(frame), Buffer.from([0x3b])])
}

const riff = (...chunks: [string, Buffer][]): Buffer => {
  const parts = chunks.map(([type, data]) => {
    const head = Buffer.alloc(8)
    head.write(type, 'latin1')
    head.writeUInt32LE(data.length, 4)
    return Buffer.concat([head, data, Buffer.alloc(data.length % 2)])
  })
  const body = Buffer.concat([Buffer.from('WEBP'), ...parts])
  const head = Buffer.from('RIFF\0\0\0\0', 'latin1')
  head.writeUInt32LE(body.length, 4)
  return Buffer.concat([head, body])
}

/** A lossless WebP whose head promises this many pixels. */
export const webpThatClaims = (width: number, height: number): Buffer => {
  const head = Buffer.alloc(32)
  head[0] = 0x2f
  head.writeUInt32LE(((width - 1) | ((height - 1) << 14)) >>> 0, 1)
  return riff(['VP8L', head])
}

/** A WebP that moves, on a canvas of up to 2²⁴ pixels a side, of which each frame fills one. */
export const webpOfFrames = async (width: number, height: number, frames: number): Promise<Buffer> => {
  const pixel = await sharp({ create: { width: 1, height: 1, channels: 3, background: '#fff' } })
    .webp()
    .toBuffer()
  const canvas = Buffer.alloc(10)
  canvas[0] = 0x02
  canvas.writeUIntLE(width - 1, 4, 3)
  canvas.writeUIntLE(height - 1, 7, 3)
  const frame = Buffer.concat([Buffer.from('00000000000000000000000064000000', 'hex'), pixel.subarray(12)])
  const all = Array.from({ length: frames }, (): [string, Buffer] => ['ANMF', frame])
  return riff(['VP8X', canvas], ['ANIM', Buffer.alloc(6)], ...all)
}

/** A TIFF, little-endian, whose directories promise this many pixels each. */
export const tiffThatClaims = (width: number, height: number, pages = 1): Buffer => {
  const tags = [
    [256, 4, width],
    [257, 4, height],
    [258, 3, 8],
    [259, 3, 1],
    [262, 3, 1],
    [273, 4, 8],
    [277, 3, 1],
    [278, 4, height],
    [279, 4, 1],
  ] as const
  const size = 2 + tags.length * 12 + 4
  const directories = Array.from({ length: pages }, (_, page) => {
    const directory = Buffer.alloc(size)
    directory.writeUInt16LE(tags.length, 0)
    for (const [index, [tag, type, value]] of tags.entries()) {
      directory.writeUInt16LE(tag, 2 + index * 12)
      directory.writeUInt16LE(type, 4 + index * 12)
      directory.writeUInt32LE(1, 6 + index * 12)
      directory.writeUInt32LE(value, 10 + index * 12)
    }
    directory.writeUInt32LE(page + 1 < pages ? 16 + (page + 1) * size : 0, size - 4)
    return directory
  })
  const head = Buffer.from('49492a00100000000000000000000000', 'hex')
  return Buffer.concat([head, ...directories])
}

/** A TIFF of one page that says it is followed by itself. */
export const tiffInACircle = (): Buffer => {
  const bytes = tiffThatClaims(10, 10)
  bytes.writeUInt32LE(16, bytes.length - 4)
  return bytes
}

/** An AVIF whose properties are changed to promise this many pixels. */
export const avifThatClaims = async (width: number, height: number): Promise<Buffer> => {
  const bytes = await sharp({ create: { width: 16, height: 16, channels: 3, background: '#fff' } })
    .avif()
    .toBuffer()
  const extents = bytes.indexOf('ispe')
  bytes.writeUInt32BE(width, extents + 8)
  bytes.writeUInt32BE(height, extents + 12)
  return bytes
}

const svg = (head: string, body: string): Buffer =>
  Buffer.from(
    `<?xml version="1.0"?>${head}<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="9" height="9">${body}</svg>`,
  )

/** Entities of entities: 10⁹ laughs. */
export const svgOfLaughs = (): Buffer => {
  const entities = Array.from({ length: 9 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`).join('')
  return svg(`<!DOCTYPE svg [<!ENTITY l0 "ha">${entities}]>`, '<text>&l9;</text>')
}

export const svgThatReads = (url: string): Buffer => svg('', `<image width="9" height="9" xlink:href="${url}"/>`)

export const svgz = (): Buffer => gzipSync(svgOfLaughs())
