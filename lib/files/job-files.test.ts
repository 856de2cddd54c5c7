import postgres from 'postgres'
import { expect } from 'vitest'
import * as files from '../../db/queries/files.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { jobIn } from '../../tests/support/run-kind.ts'
import { test, type World } from '../../tests/support/world.ts'
import type { App } from '../app.ts'
import { newId } from '../core/ids.ts'
import { FencedError } from '../jobs/define.ts'
import { prune } from '../schedule/prune.ts'
import { jobFiles } from './job-files.ts'
import { addRow } from './keep.ts'
import { deleteOrphans } from './orphans.ts'

const hello = { name: 'hello world.txt', contentType: 'text/plain', bytes: Buffer.from('hello') }

const addProject = async ({ sql }: World): Promise<string> => {
  const id = newId()
  await sql`INSERT INTO projects (id, name) VALUES (${id}, 'A project')`
  return id
}

/** A job's files behind a fence that answers with `refusal`; and the keys that were put and deleted. */
const behind = async (world: World, refusal: Error) => {
  const keys: string[] = []
  const app = await world.anotherApp({
    files: {
      ...world.app.files,
      put: async (key, ...rest) => {
        keys.push(key)
        await world.app.files.put(key, ...rest)
      },
    },
  })
  const fenced = () => Promise.reject(refusal)
  return { keys, files: jobFiles(app, { jobId: newId(), projectId: await addProject(world), stint: 1, fenced }) }
}

test('what a job writes it can read', async ({ world }) => {
  const { files: mine } = jobIn(world.app, await addProject(world))
  const { fileId, sizeBytes } = await mine.write(hello)
  expect(sizeBytes).toBe(5)
  expect(await mine.read(fileId, { maxBytes: 5 })).toEqual({ fileId, ...hello })
})

test('what is too large to be held comes as a stream', async ({ world }) => {
  const { files: mine } = jobIn(world.app, await addProject(world))
  const { fileId } = await mine.write(hello)
  const { stream, ...file } = await mine.open(fileId, { maxBytes: 5 })
  expect(file).toEqual({ fileId, name: hello.name, contentType: hello.contentType })
  expect(Buffer.concat(await stream.toArray())).toEqual(hello.bytes)
  await expect(mine.open(fileId, { maxBytes: 4 })).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' })
  await expect(mine.open(newId(), { maxBytes: 5 })).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
})

test('a job removes its own files and no others', async ({ world }) => {
  const projectId = await addProject(world)
  const [mine, other] = [jobIn(world.app, projectId).files, jobIn(world.app, projectId).files]
  const [kept, gone, foreign] = [await mine.write(hello), await mine.write(hello), await other.write(hello)]
  await mine.remove([gone.fileId, foreign.fileId])
  await mine.remove([gone.fileId])
  await mine.remove([])
  const left = await world.sql`SELECT id FROM files ORDER BY id`
  expect(left.map((it) => it['id'])).toEqual([kept.fileId, foreign.fileId].toSorted())
})

test('the objects of files that a job removed go, too', async ({ world }) => {
  const { files: mine } = jobIn(world.app, await addProject(world))
  const [kept, gone] = [await mine.write(hello), await mine.write(hello)]
  const keys = await Promise.all([kept, gone].map((it) => files.findById(world.sql, it.fileId)))
  await mine.remove([gone.fileId])
  expect(await deleteOrphans(world.app, () => true)).toBe(1)
  const heads = await Promise.all(keys.map((it) => world.app.files.head(it?.objectKey ?? '')))
  expect(heads).toEqual([expect.anything(), null])
})

test('a file of a job belongs to it and has the stint in its key', async ({ world }) => {
  const projectId = await addProject(world)
  const { job, files: mine } = jobIn(world.app, projectId, { stint: 7 })
  const { fileId } = await mine.write(hello)
  expect(await files.findById(world.sql, fileId)).toMatchObject({
    jobId: job.id,
    projectId,
    createdBy: null,
    objectKey: `projects/${projectId}/jobs/${job.id}/7/${fileId}-hello_world.txt`,
  })
})

test('a stint behind the fence leaves neither a row nor an object', async ({ world }) => {
  const { keys, files: mine } = await behind(world, new FencedError('stint 1 no longer holds the job'))
  await expect(mine.write(hello)).rejects.toThrow(FencedError)
  expect(keys).toHaveLength(1)
  expect(await world.app.files.head(keys[0] ?? '')).toBeNull()
  expect(await world.sql`SELECT id FROM files`).toHaveLength(0)
})

test('an object stays while it is unknown whether its row was written', async ({ world }) => {
  const lost = Object.assign(new postgres.PostgresError('closed'), { code: 'CONNECTION_CLOSED' })
  const { keys, files: mine } = await behind(world, lost)
  await expect(mine.write(hello)).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
  expect(await world.app.files.head(keys[0] ?? '')).toMatchObject({ sizeBytes: 5 })
})

/** A process that is killed when it has put an object: nothing comes after that. */
const killedAfterPut = (world: World): Promise<App> => {
  const put: App['files']['put'] = async (...given) => {
    await world.app.files.put(...given)
    await new Promise(() => {})
  }
  return world.anotherApp({ files: { ...world.app.files, put } })
}

test('an object whose process was killed before its row was written goes by the prune', async ({ world }) => {
  const projectId = await addProject(world)
  void jobIn(await killedAfterPut(world), projectId).files.write(hello)
  const noted = () => world.sql<{ objectKey: string }[]>`SELECT object_key FROM pending_objects`
  await expect.poll(async () => world.app.files.head((await noted())[0]?.objectKey ?? 'none')).not.toBeNull()
  const [{ objectKey } = { objectKey: '' }] = await noted()

  // Not while the process may still be at it.
  await prune(world.app)
  expect(await world.app.files.head(objectKey)).not.toBeNull()

  await world.sql`UPDATE pending_objects SET noted_at = now() - interval '25 hours'`
  await prune(world.app)
  expect(await world.app.files.head(objectKey)).toBeNull()
  expect(await noted()).toHaveLength(0)
})

test('an object that has its row is not pending', async ({ world }) => {
  const { files: mine } = jobIn(world.app, await addProject(world))
  const { fileId } = await mine.write(hello)
  await world.sql`UPDATE pending_objects SET noted_at = now() - interval '25 hours'`
  await prune(world.app)
  expect((await mine.read(fileId, { maxBytes: 5 })).bytes).toEqual(hello.bytes)
})

test('a file of a stint that died before its safe point is not there twice', async ({ world }) => {
  const projectId = await addProject(world)
  const [jobId = ''] = await insertJobs(world.app, [{ projectId }])
  const stint = (number: number) => jobIn(world.app, projectId, { jobId, stint: number }).files
  const [known, shown, lost] = [await stint(1).write(hello), await stint(1).write(hello), await stint(1).write(hello)]
  const other = await stint(1).write({ ...hello, name: 'other.txt' })
  await world.sql`
    UPDATE jobs SET checkpoint = ${world.sql.json({ files: [known] })}, partial = ${world.sql.json({ files: [shown] })}
    WHERE id = ${jobId}`

  const again = [await stint(2).write(hello), await stint(2).write(hello)]
  const left = await world.sql`SELECT id FROM files ORDER BY id`
  expect(left.map((it) => it['id'])).toEqual([known, shown, other, ...again].map((it) => it.fileId).toSorted())
  expect(await world.sql`SELECT FROM orphaned_objects WHERE object_key LIKE ${`%${lost.fileId}%`}`).toHaveLength(1)
})

test('a file that another job was given stays, whoever wrote it', async ({ world }) => {
  const projectId = await addProject(world)
  const [jobId = ''] = await insertJobs(world.app, [{ projectId }])
  const stint = (number: number) => jobIn(world.app, projectId, { jobId, stint: number }).files
  const { fileId } = await stint(1).write(hello)
  await insertJobs(world.app, [{ projectId, input: JSON.stringify({ fileId }) }])
  await stint(2).write(hello)
  expect(await world.sql`SELECT FROM files`).toHaveLength(2)
})

test('the files of other projects are not there for a job', async ({ world }) => {
  const { fileId } = await jobIn(world.app, await addProject(world)).files.write(hello)
  const { files: others } = jobIn(world.app, await addProject(world))
  await expect(others.read(fileId, { maxBytes: 5 })).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
})

test('a file that is too large is refused for good', async ({ world }) => {
  const { files: mine } = jobIn(world.app, await addProject(world))
  const { fileId } = await mine.write(hello)
  await expect(mine.read(fileId, { maxBytes: 4 })).rejects.toMatchObject({
    name: 'PermanentError',
    code: 'FILE_TOO_LARGE',
  })
})

test('an upload is there for jobs once it has arrived, and its size is known from then on', async ({ world }) => {
  const projectId = await addProject(world)
  const row = { id: newId(), projectId, objectKey: 'an/upload', name: 'a', contentType: 'text/plain', sizeBytes: null }
  await addRow(world.app, world.sql, row)
  const { files: mine } = jobIn(world.app, projectId)
  await expect(mine.read(row.id, { maxBytes: 5 })).rejects.toMatchObject({ code: 'FILE_NOT_UPLOADED' })

  await world.app.files.put('an/upload', hello.bytes, 'text/plain')
  expect((await mine.read(row.id, { maxBytes: 5 })).bytes).toEqual(hello.bytes)
  expect(await files.findById(world.sql, row.id)).toMatchObject({ sizeBytes: 5 })
})

test('a row whose object is gone is a file that is gone', async ({ world }) => {
  const projectId = await addProject(world)
  const { files: mine } = jobIn(world.app, projectId)
  const { fileId } = await mine.write(hello)
  await world.app.files.delete((await files.findById(world.sql, fileId))?.objectKey ?? '')
  await expect(mine.read(fileId, { maxBytes: 5 })).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
})
