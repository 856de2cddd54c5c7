import sharp from 'sharp'
import { describe, expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { jobIn, runInShortestStints, runKind } from '../../tests/support/run-kind.ts'
import { test, type World } from '../../tests/support/world.ts'
import { imageConvert } from './image-convert.ts'

const withFile = async ({ app, sql }: World, bytes: Buffer, name = 'photo.jpg') => {
  const projectId = newId()
  await sql`INSERT INTO projects (id, name) VALUES (${projectId}, 'A project')`
  const { fileId } = await jobIn(app, projectId).files.write({ name, contentType: 'image/jpeg', bytes })
  return { fileId, context: jobIn(app, projectId) }
}

const picture = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: '#c03040' } })

interface Result {
  image: { fileId: string; width: number; height: number; format: string; frames: number }
}

test.for(['jpeg', 'png', 'webp', 'avif', 'gif'])(
  'makes a picture into %s, as large as it is',
  async (format, { world }) => {
    const { fileId, context } = await withFile(world, await picture(40, 20).tiff().toBuffer(), 'scan.tiff')
    const { result } = await runKind(imageConvert, { input: { fileId, format }, context })
    const { image } = result as Result
    expect(image).toMatchObject({ width: 40, height: 20, format, frames: 1 })
    const file = await context.files.read(image.fileId, { maxBytes: 100_000 })
    expect([file.name, file.contentType]).toEqual([
      `scan-40x20.${format === 'jpeg' ? 'jpg' : format}`,
      `image/${format}`,
    ])
    const head = await sharp(file.bytes).metadata()
    expect([head.width, head.height, head.format === 'heif' ? 'avif' : head.format]).toEqual([40, 20, format])
  },
)

test('turns a picture the right way up', async ({ world }) => {
  const lying = picture(40, 20).withMetadata({ orientation: 6 })
  const { fileId, context } = await withFile(world, await lying.jpeg().toBuffer())
  const { result } = await runKind(imageConvert, { input: { fileId, format: 'png' }, context })
  expect((result as Result).image).toMatchObject({ width: 20, height: 40 })
})

test('takes a quality', async ({ world }) => {
  const noise = await sharp({
    create: { width: 200, height: 200, channels: 3, noise: { type: 'gaussian' }, background: '#888' },
  })
    .png()
    .toBuffer()
  const { fileId, context } = await withFile(world, noise)
  const sizeOf = async (quality: number) => {
    const { result } = await runKind(imageConvert, { input: { fileId, format: 'webp', quality }, context })
    return (result as { image: { sizeBytes: number } }).image.sizeBytes
  }
  expect(await sizeOf(10)).toBeLessThan(await sizeOf(90))
})

test('a stint that resumes makes no second file', async ({ world }) => {
  const { fileId, context } = await withFile(world, await picture(40, 20).jpeg().toBuffer())
  const { stints, result } = await runInShortestStints(imageConvert, { input: { fileId, format: 'png' }, context })
  expect(stints).toBe(2)
  const rows = await world.sql`SELECT id FROM files WHERE job_id = ${context.job.id}`
  expect(rows).toEqual([{ id: (result as Result).image.fileId }])
})

describe('refuses for good', () => {
  const refused = async (world: World, bytes: Buffer, format = 'jpeg') => {
    const { fileId, context } = await withFile(world, bytes)
    return runKind(imageConvert, { input: { fileId, format }, context }).catch((error: unknown) => error)
  }

  test('what is no picture, and what is cut off', async ({ world }) => {
    const whole = await picture(400, 400).jpeg().toBuffer()
    for (const bytes of [Buffer.from('hello'), Buffer.alloc(0), whole.subarray(0, whole.length / 2)]) {
      expect(await refused(world, bytes)).toMatchObject({ name: 'PermanentError', code: 'IMAGE_UNREADABLE' })
    }
  })

  test('a side that the format has no room for', async ({ world }) => {
    const long = await picture(20_000, 1).png().toBuffer()
    expect(await refused(world, long, 'webp')).toMatchObject({
      code: 'IMAGE_TOO_LARGE',
      message: expect.stringContaining('16383'),
    })
    expect(await refused(world, long, 'jpeg')).not.toBeInstanceOf(Error)
  })
})

const someId = newId()
test.for([
  [{ format: 'png' }, 'fileId'],
  [{ fileId: someId }, 'format'],
  [{ fileId: someId, format: 'svg' }, 'format'],
  [{ fileId: someId, format: 'png', quality: 50 }, 'quality'],
  [{ fileId: someId, format: 'webp', quality: 101 }, 'quality'],
] as const)('refuses %j and names the field', ([input, field]) => {
  expect(imageConvert.input.safeParse(input).error?.issues[0]?.path).toEqual([field])
})

test('is submitted, shown and done over HTTP, and its file is there', async ({ world }) => {
  const { accessToken: token } = await world.register()
  const bytes = await picture(30, 30).png().toBuffer()
  const uploaded = await world.http('POST', '/files?name=a.png', {
    token,
    body: bytes,
    headers: { 'content-type': 'image/png' },
  })
  const input = { fileId: uploaded.body.file.id, format: 'webp' }
  const submitted = await world.http('POST', '/jobs', { token, body: { kind: 'image.convert', input } })
  await world.work('default')
  const { job } = (await world.http('GET', `/jobs/${submitted.body.job.id}`, { token })).body
  expect(job).toMatchObject({ state: 'succeeded', result: { image: { format: 'webp', width: 30 } } })
  expect(await world.http('GET', `/files/${job.result.image.fileId}`, { token })).toMatchObject({ status: 302 })
})
