import { expect, test } from 'vitest'
import type { Original } from './limits.ts'
import { demandMemory, MAX_MEMORY_BYTES } from './memory.ts'
import { FORMATS, type Size } from './size.ts'

const photo = (came: Partial<Original['came']> = {}, megapixels = 49): Original => ({
  width: 1_000 * megapixels,
  height: 1_000,
  frames: 1,
  came: {
    format: 'jpeg',
    channels: 3,
    sampleBytes: 1,
    hasAlpha: false,
    interlaced: false,
    turned: false,
    ...came,
  },
})
const transparent = { format: 'png', channels: 4, hasAlpha: true }

/** Peaks over what the process had before, MiB, of `make`: 49 megapixels of a photo, and noise of 12. */
const MEASURED: [name: string, from: Original, into: Pick<Size, 'format'> & Partial<Size>, peakMiB: number][] = [
  ['a photo as avif', photo(), { format: 'avif' }, 954],
  ['a photo that lies on its side', photo({ turned: true }), { format: 'avif' }, 1_096],
  ['an avif as webp', photo({ format: 'heif' }, 12), { format: 'webp' }, 187],
  ['a transparent avif, made small', photo({ format: 'heif', channels: 4 }), { format: 'jpeg', width: 300 }, 863],
  ['one of 12 bits', photo({ format: 'heif', sampleBytes: 2 }, 12), { format: 'jpeg', width: 300 }, 307],
  ['a progressive photo', photo({ interlaced: true }, 12), { format: 'avif' }, 316],
  ['noise as avif', photo({}, 12), { format: 'avif' }, 266],
  ['noise as the best avif', photo({}, 12), { format: 'avif', quality: 100 }, 348],
  ['transparent noise as the best avif', photo(transparent, 12), { format: 'avif', quality: 100 }, 561],
  ['noise as the best webp', photo({}, 12), { format: 'webp', quality: 100 }, 139],
  ['transparent noise as the best webp', photo(transparent, 12), { format: 'webp', quality: 100 }, 441],
  ['noise as jpeg', photo({}, 12), { format: 'jpeg', quality: 100 }, 99],
  ['noise as png', photo(transparent, 12), { format: 'png' }, 64],
  ['noise as gif', photo(transparent, 12), { format: 'gif' }, 171],
]

test.for(MEASURED)('%s takes no more than is reckoned with', ([, from, into, peakMiB]) => {
  const reckoned = demandMemory(from, into, 1)
  expect(reckoned).toBeGreaterThanOrEqual(peakMiB * 1024 ** 2)
  expect(reckoned).toBeLessThanOrEqual(MAX_MEMORY_BYTES)
})

test.for(FORMATS)('a photo of 50 megapixels that lies on its side has room, as %s', (format) => {
  expect(demandMemory(photo({ turned: true }, 50), { format }, 1)).toBeLessThanOrEqual(MAX_MEMORY_BYTES)
})

test.for([
  ['a transparent picture of 49 megapixels as avif', photo(transparent), { format: 'avif' }],
  ['one that is made as large as can be', photo({}, 1), { format: 'avif', width: 8_192, height: 8_192, fit: 'cover' }],
  [
    'one with bars around it, which are transparent',
    photo(),
    { format: 'avif', width: 8_000, height: 7_000, fit: 'contain' },
  ],
] as const)('%s is refused by name, with the limit', ([, from, into]) => {
  expect(() => demandMemory(from, into, 1)).toThrow(
    expect.objectContaining({
      name: 'PermanentError',
      code: 'IMAGE_TOO_LARGE',
      message: expect.stringContaining('of at most 1250 MiB'),
    }),
  )
})
