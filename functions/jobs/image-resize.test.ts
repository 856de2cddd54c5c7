import { randomBytes } from 'node:crypto'
import sharp from 'sharp'
import { describe, expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { pngThatClaims } from '../../tests/support/image-bombs.ts'
import { jobIn, runInShortestStints, runKind } from '../../tests/support/run-kind.ts'
import { test, type World } from '../../tests/support/world.ts'
import { imageResize } from './image-resize.ts'

interface Image {
  fileId: string
  width: number
  height: number
  format: string
  frames: number
  sizeBytes: number
}

/** A job in a project with one file. */
const withFile = async ({ app, sql }: World, bytes: Buffer, name = 'holiday.photo.jpg') => {
  const projectId = newId()
  await sql`INSERT INTO projects (id, name) VALUES (${projectId}, 'A project')`
  const uploader = jobIn(app, projectId)
  const { fileId } = await uploader.files.write({ name, contentType: 'image/jpeg', bytes })
  return { fileId, context: jobIn(app, projectId) }
}

const picture = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#c03040' } })

/** Frames of noise, since a codec may leave out those that are like the one before. */
const moving = (frames: number, width: number, height: number) => {
  const noise = randomBytes(width * height * frames * 3)
  const raw = { width, height: height * frames, channels: 3, pageHeight: height } as const
  return sharp(noise, { raw })
    .withMetadata()
    .gif({ delay: Array<number>(frames).fill(50) })
}

const images = (ending: { result: unknown }): Image[] => (ending.result as { images: Image[] }).images

test('makes every size, in the order of the input', async ({ world }) => {
  const { fileId, context } = await withFile(world, await picture(400, 200).jpeg().toBuffer())
  const sizes = [
    { width: 100 },
    { height: 50, format: 'png' },
    { width: 64, height: 64, fit: 'cover', format: 'webp', quality: 40 },
    { width: 64, height: 64, fit: 'inside', format: 'avif' },
  ]
  const made = images(await runKind(imageResize, { input: { fileId, sizes }, context }))
  expect(made.map(({ width, height, format }) => [width, height, format])).toEqual([
    [100, 50, 'jpeg'],
    [100, 50, 'png'],
    [64, 64, 'webp'],
    [64, 32, 'avif'],
  ])
  for (const image of made) {
    const file = await context.files.read(image.fileId, { maxBytes: image.sizeBytes })
    const { width, height, format } = await sharp(file.bytes).metadata()
    expect([width, height, format === 'heif' ? 'avif' : format]).toEqual([image.width, image.height, image.format])
    expect(file.contentType).toBe(`image/${image.format}`)
  }
})

test('names the files after the original and their size', async ({ world }) => {
  const { fileId, context } = await withFile(world, await picture(40, 20).jpeg().toBuffer())
  const input = { fileId, sizes: [{ width: 10 }, { width: 10, format: 'png' }] }
  const made = images(await runKind(imageResize, { input, context }))
  const files = await Promise.all(made.map((image) => context.files.read(image.fileId, { maxBytes: 10_000 })))
  expect(files.map((file) => file.name)).toEqual(['holiday.photo-10x5.jpg', 'holiday.photo-10x5.png'])
})

test('turns a picture the right way up, and leaves its metadata behind', async ({ world }) => {
  const lying = picture(40, 20)
    .withExif({ IFD0: { Copyright: 'Ada' } })
    .withMetadata({ orientation: 6 })
  const { fileId, context } = await withFile(world, await lying.jpeg().toBuffer())
  const [made] = images(await runKind(imageResize, { input: { fileId, sizes: [{ width: 10 }] }, context }))
  expect(made).toMatchObject({ width: 10, height: 20 })
  const { bytes } = await context.files.read(made?.fileId ?? '', { maxBytes: 10_000 })
  const { orientation, exif } = await sharp(bytes).metadata()
  expect({ orientation, exif }).toEqual({ orientation: undefined, exif: undefined })
})

test('puts what is transparent on white where the format knows no transparency', async ({ world }) => {
  const clear = sharp({ create: { width: 8, height: 8, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } })
  const { fileId, context } = await withFile(world, await clear.png().toBuffer())
  const [made] = images(await runKind(imageResize, { input: { fileId, sizes: [{ width: 8 }] }, context }))
  const { bytes } = await context.files.read(made?.fileId ?? '', { maxBytes: 10_000 })
  expect([...(await sharp(bytes).raw().toBuffer()).subarray(0, 3)]).toEqual([255, 255, 255])
})

describe('a picture that moves', () => {
  test('keeps moving as gif and webp, and is its first frame elsewhere', async ({ world }) => {
    const { fileId, context } = await withFile(world, await moving(3, 40, 20).gif().toBuffer(), 'cat.gif')
    const sizes = ['gif', 'webp', 'png', 'jpeg', 'avif'].map((format) => ({ width: 20, format }))
    const made = images(await runKind(imageResize, { input: { fileId, sizes }, context }))
    expect(made.map(({ format, width, height, frames }) => [format, width, height, frames])).toEqual([
      ['gif', 20, 10, 3],
      ['webp', 20, 10, 3],
      ['png', 20, 10, 1],
      ['jpeg', 20, 10, 1],
      ['avif', 20, 10, 1],
    ])
    const files = await Promise.all(made.map((image) => context.files.read(image.fileId, { maxBytes: 100_000 })))
    const heads = await Promise.all(files.map(({ bytes }) => sharp(bytes).metadata()))
    expect(heads.map(({ pages = 1, height, delay }) => [pages, height, delay])).toEqual([
      [3, 10, [50, 50, 50]],
      [3, 10, [50, 50, 50]],
      [1, 10, undefined],
      [1, 10, undefined],
      [1, 10, undefined],
    ])
  })

  test('may be cut to another shape', async ({ world }) => {
    const { fileId, context } = await withFile(world, await moving(2, 40, 20).webp().toBuffer())
    const sizes = ['cover', 'contain', 'fill'].map((fit) => ({ width: 10, height: 10, fit, format: 'webp' }))
    const made = images(await runKind(imageResize, { input: { fileId, sizes }, context }))
    expect(made.map(({ width, height, frames }) => [width, height, frames])).toEqual(Array(3).fill([10, 10, 2]))
  })

  test('may not be made larger than a picture may be, all frames together', async ({ world }) => {
    const { fileId, context } = await withFile(world, await moving(100, 4, 4).gif().toBuffer())
    const input = { fileId, sizes: [{ width: 1_000, format: 'gif' }] }
    await expect(runKind(imageResize, { input, context })).rejects.toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: expect.stringContaining('sizes[0] would be 1000 × 1000 in 100 frames'),
    })
  })
})

test('a stint goes on from a checkpoint of the version before, in which no picture moved', async ({ world }) => {
  const { fileId, context } = await withFile(world, await picture(40, 20).jpeg().toBuffer())
  const input = { fileId, sizes: [{ width: 10 }, { width: 20 }] }
  const before = { fileId: newId(), width: 10, height: 5, format: 'jpeg', sizeBytes: 99 }
  const checkpoint = imageResize.migrateCheckpoint?.({ images: [before] }, 1)
  const made = images(await runKind(imageResize, { input, context, checkpoint }))
  expect(made).toMatchObject([
    { ...before, frames: 1 },
    { width: 20, frames: 1 },
  ])
})

test('a stint that resumes keeps the files that are made, and makes none of them again', async ({ world }) => {
  const { fileId, context } = await withFile(world, await picture(40, 20).jpeg().toBuffer())
  const input = { fileId, sizes: [{ width: 10 }, { width: 20 }, { width: 30 }] }
  const { stints, result } = await runInShortestStints(imageResize, { input, context })
  expect(stints).toBe(4)
  expect(images({ result }).map((image) => image.width)).toEqual([10, 20, 30])
  const rows = await world.sql`SELECT id FROM files WHERE job_id = ${context.job.id}`
  expect(rows).toHaveLength(3)
})

test('saves each file that is made before it makes the next', async ({ world }) => {
  const { fileId, context } = await withFile(world, await picture(40, 20).jpeg().toBuffer())
  const input = { fileId, sizes: [{ width: 10 }, { width: 20 }] }
  const { safePoints } = await runKind(imageResize, { input, context })
  expect(safePoints).toMatchObject([
    { durable: true, progress: 0.5, partial: { images: [{ width: 10 }] }, checkpoint: { images: [{ width: 10 }] } },
    { durable: true, progress: 1, partial: { images: [{ width: 10 }, { width: 20 }] } },
  ])
})

describe('refuses for good', () => {
  const refused = async (world: World, bytes: Buffer, sizes: object[] = [{ width: 10 }]) => {
    const { fileId, context } = await withFile(world, bytes)
    return runKind(imageResize, { input: { fileId, sizes }, context }).catch((error: unknown) => error)
  }
  const unreadable = { name: 'PermanentError', code: 'IMAGE_UNREADABLE' }
  const tooLarge = { name: 'PermanentError', code: 'IMAGE_TOO_LARGE' }

  test('what is no picture', async ({ world }) => {
    expect(await refused(world, Buffer.from('hello'))).toMatchObject(unreadable)
  })

  test('an empty file', async ({ world }) => {
    expect(await refused(world, Buffer.alloc(0))).toMatchObject(unreadable)
  })

  test('a picture that is cut off, in its head or in its body', async ({ world }) => {
    const whole = await picture(400, 400).jpeg().toBuffer()
    expect(await refused(world, whole.subarray(0, 20))).toMatchObject(unreadable)
    expect(await refused(world, whole.subarray(0, whole.length / 2))).toMatchObject(unreadable)
  })

  test('formats that draw, or nest other files', async ({ world }) => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"><rect width="5" height="5"/></svg>'
    expect(await refused(world, Buffer.from(svg))).toMatchObject(unreadable)
  })

  test('a small file that claims to be a huge picture', async ({ world }) => {
    const bomb = await refused(world, pngThatClaims(10_000, 10_000))
    expect(bomb).toMatchObject({ ...tooLarge, message: expect.stringContaining('10000 × 10000') })
  })

  test('a size with a side out of bounds, before any is made', async ({ world }) => {
    const long = await picture(2, 1_000).png().toBuffer()
    expect(await refused(world, long, [{ width: 10 }, { width: 100 }])).toMatchObject({
      ...tooLarge,
      message: expect.stringContaining('sizes[1] would be 100 × 50000'),
    })
    expect(await refused(world, long, [{ width: 100, height: 10, fit: 'outside' }])).toMatchObject(tooLarge)
    expect(await world.sql`SELECT id FROM files WHERE name LIKE 'holiday.photo-%'`).toHaveLength(0)
  })

  test('a file that is not there', async ({ world }) => {
    const { context } = await withFile(world, Buffer.from('x'))
    const run = runKind(imageResize, { input: { fileId: newId(), sizes: [{ width: 10 }] }, context })
    await expect(run).rejects.toMatchObject({ name: 'PermanentError', code: 'FILE_NOT_FOUND' })
  })
})

const someId = newId()
test.each([
  [{ sizes: [{ width: 1 }] }, ['fileId']],
  [{ fileId: 'x', sizes: [{ width: 1 }] }, ['fileId']],
  [{ fileId: someId, sizes: [] }, ['sizes']],
  [{ fileId: someId, sizes: Array(11).fill({ width: 1 }) }, ['sizes']],
  [{ fileId: someId, sizes: [{}] }, ['sizes', 0, 'width']],
  [{ fileId: someId, sizes: [{ width: 0 }] }, ['sizes', 0, 'width']],
  [{ fileId: someId, sizes: [{ width: 8_193 }] }, ['sizes', 0, 'width']],
  [{ fileId: someId, sizes: [{ width: 1, format: 'svg' }] }, ['sizes', 0, 'format']],
  [{ fileId: someId, sizes: [{ width: 1, format: 'png', quality: 5 }] }, ['sizes', 0, 'quality']],
  [{ fileId: someId, sizes: [{ width: 1, format: 'gif', quality: 5 }] }, ['sizes', 0, 'quality']],
])('refuses %j and names the field', (input, path) => {
  expect(imageResize.input.safeParse(input).error?.issues[0]?.path).toEqual(path)
})
