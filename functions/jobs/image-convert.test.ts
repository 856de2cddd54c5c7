import sharp from 'sharp'
import { describe, expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { lambdaContext } from '../../tests/support/lambda-context.ts'
import { jobIn, runInShortestStints, runKind } from '../../tests/support/run-kind.ts'
import { sqsEvent } from '../../tests/support/worker-run.ts'
import { test, type World } from '../../tests/support/world.ts'
import { MAX_MEMORY_BYTES } from './image/memory.ts'
import { inTurn } from './image/room.ts'
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

describe('while other pictures take all the memory', () => {
  /** Submits a job, and takes the memory. */
  const whileFull = async (world: World) => {
    const { accessToken: token } = await world.register()
    const bytes = await picture(30, 30).png().toBuffer()
    const headers = { 'content-type': 'image/png' }
    const uploaded = await world.http('POST', '/files?name=a.png', { token, body: bytes, headers })
    const input = { fileId: uploaded.body.file.id, format: 'avif' }
    const submitted = await world.http('POST', '/jobs', { token, body: { kind: 'image.convert', input } })
    const id: string = submitted.body.job.id
    const free = Promise.withResolvers<void>()
    const others = inTurn(MAX_MEMORY_BYTES, () => free.promise).next()
    const letGo = async () => {
      free.resolve()
      await others
    }
    const get = async () => (await world.http('GET', `/jobs/${id}`, { token })).body.job
    return { token, id, get, letGo }
  }

  test('one that waits is cancelled', async ({ world }) => {
    const { token, id, get, letGo } = await whileFull(world)
    const working = world.work('default')
    await expect.poll(async () => (await get()).state).toBe('running')
    await world.http('POST', `/jobs/${id}/cancel`, { token })
    await working
    expect((await get()).state).toBe('cancelled')
    await letGo()
  })

  test('one that waits stops when its function’s time is over, and is made later', async ({ world }) => {
    const { get, letGo } = await whileFull(world)
    const received = await world.app.queue.receive('default', { max: 1, waitSeconds: 5 })
    const { handler } = await import('../queue/worker.ts')
    const event = sqsEvent(received, world.app.config.sqs.queueUrls['default'], world.app.config.region)
    await handler(event, lambdaContext(world.app, 2))
    expect(await get()).toMatchObject({ state: 'queued', attempt: 1, error: null })
    await letGo()
    await world.work('default')
    expect(await get()).toMatchObject({ state: 'succeeded', attempt: 1, result: { image: { format: 'avif' } } })
    expect(world.exits).toEqual([])
  })
})
