import sharp from 'sharp'
import { expect, test } from 'vitest'
import {
  avifThatClaims,
  gifOfFrames,
  jpegOfScans,
  jpegOfSegments,
  jpegThatClaims,
  pngOfChunks,
  pngOfZeros,
  pngThatClaims,
  pngWithBombs,
  svgOfLaughs,
  svgThatReads,
  svgz,
  tiffInACircle,
  tiffThatClaims,
  webpOfFrames,
  webpThatClaims,
} from '../../../tests/support/image-bombs.ts'
import { inspect, make } from './codec.ts'

const TOO_LARGE = 'IMAGE_TOO_LARGE'
const UNREADABLE = 'IMAGE_UNREADABLE'

/** What becomes of a file that somebody uploaded. */
const outcomeOf = async (bytes: Buffer): Promise<string> => {
  try {
    const made = await make(bytes, await inspect(bytes), { width: 100, fit: 'cover', format: 'webp' })
    return `made, ${made.width} × ${made.height}`
  } catch (error) {
    return String((error as { code?: string }).code)
  }
}

const BOMBS: [name: string, bomb: () => Buffer | Promise<Buffer>, outcome: string][] = [
  ['a PNG of a few bytes that claims 10⁸ pixels', () => pngThatClaims(10_000, 10_000), TOO_LARGE],
  ['a PNG that claims as many as its head can say', () => pngThatClaims(2 ** 31 - 1, 2 ** 31 - 1), UNREADABLE],
  ['a whole PNG of 400 megapixels in 50 KB', () => pngOfZeros(20_000), TOO_LARGE],
  ['a PNG with 100 MB of comment in 100 KB', () => pngWithBombs('zTXt', 100_000_000), 'made, 100 × 100'],
  ['a PNG with 100 MB of colour profile in 100 KB', () => pngWithBombs('iCCP', 100_000_000), 'made, 100 × 100'],
  ['a PNG with 8 GB of comments in 8 MB', () => pngWithBombs('zTXt', 8_000_000, 1_000), TOO_LARGE],
  ['a PNG with 800 MB of comments in 800 KB', () => pngWithBombs('zTXt', 8_000_000, 100), TOO_LARGE],
  ['a PNG of 2 million chunks', () => pngOfChunks(2_000_000), TOO_LARGE],
  ['a JPEG that claims 4 · 10⁹ pixels', () => jpegThatClaims(65_500, 65_500), TOO_LARGE],
  ['a progressive JPEG of thousands of scans', () => jpegOfScans(2_000, 5_000), UNREADABLE],
  ['a JPEG of 10 million segments', () => jpegOfSegments(10_000_000), TOO_LARGE],
  [
    'a GIF with a screen of 4 · 10⁹ pixels, of which it fills one',
    () => gifOfFrames(65_535, 65_535, 1),
    'made, 100 × 100',
  ],
  ['a GIF of a million frames', () => gifOfFrames(1, 1, 1_000_000), TOO_LARGE],
  ['a GIF of 900 frames of 4 megapixels', () => gifOfFrames(2_000, 2_000, 900), TOO_LARGE],
  ['a WebP that claims 268 megapixels', () => webpThatClaims(16_383, 16_383), TOO_LARGE],
  ['a WebP with a canvas of 4 · 10⁹ pixels', () => webpOfFrames(65_535, 65_535, 2), UNREADABLE],
  ['a WebP of 900 frames of 4 megapixels', () => webpOfFrames(2_000, 2_000, 900), TOO_LARGE],
  ['a WebP of 100 000 frames', () => webpOfFrames(4, 4, 100_000), TOO_LARGE],
  ['a TIFF that claims 10¹⁰ pixels', () => tiffThatClaims(100_000, 100_000), TOO_LARGE],
  ['a TIFF of 100 000 pages', () => tiffThatClaims(6_000, 6_000, 100_000), TOO_LARGE],
  ['a TIFF whose pages go round in a circle', () => tiffInACircle(), TOO_LARGE],
  ['an AVIF that claims 4 · 10⁹ pixels', () => avifThatClaims(65_535, 65_535), TOO_LARGE],
  ['an SVG of 10⁹ laughs', svgOfLaughs, UNREADABLE],
  ['an SVG of 10⁹ laughs, gzipped', svgz, UNREADABLE],
  ['an SVG that reads a file', () => svgThatReads('file:///etc/passwd'), UNREADABLE],
  ['an SVG that asks the network', () => svgThatReads('http://169.254.169.254/latest/meta-data/'), UNREADABLE],
  ['a PDF', () => Buffer.from('%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>'), UNREADABLE],
  ['an MVG', () => Buffer.from("push graphic-context\nfill 'url(https://example.com/x.jpg)'"), UNREADABLE],
]

test('a good picture that takes too long is said to, and not to be unreadable', async () => {
  const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const
  const create = { width: 3_000, height: 2_000, channels: 3, background: '#888', noise } as const
  const bytes = await sharp({ create }).jpeg().toBuffer()
  // A PNG is written while the lines come. A WebP is not: of its encoder, nobody looks at the clock.
  const making = make(bytes, await inspect(bytes), { width: 10_000, fit: 'cover', format: 'png' }, 1)
  await expect(making).rejects.toMatchObject({ name: 'PermanentError', code: 'IMAGE_TOO_SLOW' })
})

test.for(BOMBS)('%s is a clear error, in bounded memory', async ([, bomb, outcome]) => {
  const bytes = await bomb()
  const beforeKiB = process.resourceUsage().maxRSS
  expect(await outcomeOf(bytes)).toBe(outcome)
  // Of the peak of the process, over the one before.
  expect(process.resourceUsage().maxRSS - beforeKiB).toBeLessThan(100 * 1024)
})
