import { describe, expect } from 'vitest'
import type { Sql } from '../../db/client.ts'
import * as removals from '../../db/queries/removals.ts'
import * as schedules from '../../db/queries/schedules.ts'
import { createEngine, insertJobs, invoke, PROJECT } from '../../tests/support/engine.ts'
import { untilOneWaits } from '../../tests/support/lock-waits.ts'
import { test, type World } from '../../tests/support/world.ts'
import type { App } from '../app.ts'
import { firstIdAt, newId } from '../core/ids.ts'
import { addRow } from '../files/keep.ts'
import { removeExpiredJobs, removeJob } from './remove-jobs.ts'

const always = () => true

const publishAll = ({ sql }: World) => sql`DELETE FROM outbox`

/** Jobs that ran, whose events are published, and which lie this many days back. */
const makeEnded = async (world: World, count: number, daysAgo = 0): Promise<string[]> => {
  const ids = await insertJobs(
    world.app,
    Array.from({ length: count }, () => ({ id: idOfDaysAgo(daysAgo) })),
  )
  await invoke(createEngine(world.app), { budget: count })
  await publishAll(world)
  await world.sql`
    UPDATE jobs SET finished_at = now() - ${daysAgo} * interval '1 day' - interval '1 minute' WHERE id = ANY (${ids}::uuid[])`
  return ids
}

/** An id as it would have been made this many days ago: its first 48 bits are the milliseconds since 1970. */
const idOfDaysAgo = (days: number): string =>
  firstIdAt(Date.now() - days * 86_400_000 - 60_000).slice(0, 13) + newId().slice(13)

const addFile = async ({ app, sql }: World, jobId: string): Promise<{ id: string; objectKey: string }> => {
  await sql`INSERT INTO projects (id, name) VALUES (${PROJECT}, 'Files') ON CONFLICT DO NOTHING`
  const id = newId()
  const file = { id, projectId: PROJECT, objectKey: `jobs/${id}`, name: 'a', contentType: 'text/plain', sizeBytes: 1 }
  await app.files.put(file.objectKey, Buffer.from('x'), 'text/plain')
  return addRow(app, sql, { ...file, madeBy: { jobId, stint: 1 } })
}

const addChild = ({ sql }: { sql: Sql }, parentId: string, childId: string) => sql`
  WITH parent AS (UPDATE jobs SET has_children = true WHERE id = ${parentId})
  INSERT INTO job_dependencies (child_id, parent_id, settled_at) VALUES (${childId}, ${parentId}, now())`

/** The tables that hold something of jobs, with how many rows. */
const left = async ({ sql }: World) => {
  const [row] = await sql`
    SELECT (SELECT count(*) FROM jobs) AS jobs, (SELECT count(*) FROM stints) AS stints,
           (SELECT count(*) FROM job_logs) AS logs, (SELECT count(*) FROM events) AS events,
           (SELECT count(*) FROM job_dependencies) AS edges, (SELECT count(*) FROM files) AS files,
           (SELECT count(*) FROM orphaned_objects) AS orphans,
           (SELECT count(*) FROM uncounted_parents) AS uncounted`
  return row
}
const NOTHING = { jobs: 0, stints: 0, logs: 0, events: 0, edges: 0, files: 0, orphans: 0, uncounted: 0 }

const addLogLine = (app: App, jobId: string) =>
  app.sql`INSERT INTO job_logs (job_id, stint, level, message) VALUES (${jobId}, 1, 'info', 'hello')`

const jobIds = async ({ sql }: World): Promise<string[]> =>
  (await sql`SELECT id FROM jobs ORDER BY id`).map((it) => it['id'])

describe('removing a job', () => {
  test('takes everything that belongs to it, the objects of its files too', async ({ world }) => {
    const [parent = '', id = '', child = ''] = await makeEnded(world, 3)
    await addChild(world, parent, id)
    await addChild(world, id, child)
    await addLogLine(world.app, id)
    await world.sql`INSERT INTO uncounted_parents VALUES (${id})`
    const file = await addFile(world, id)
    await removeJob(world.app, id)
    expect(await left(world)).toMatchObject({ ...NOTHING, jobs: 2, stints: 2, events: 6 })
    expect(await world.app.files.head(file.objectKey)).toBeNull()
  })

  test('waits for its end', async ({ world }) => {
    const [id = ''] = await insertJobs(world.app, [{}])
    await publishAll(world)
    await expect(removeJob(world.app, id)).rejects.toMatchObject({ code: 'JOB_NOT_ENDED' })
    await world.sql`UPDATE jobs SET state = 'running'`
    await expect(removeJob(world.app, id)).rejects.toMatchObject({ code: 'JOB_NOT_ENDED' })
    expect(await left(world)).toMatchObject({ jobs: 1, events: 1 })
  })

  test('waits until its events are published', async ({ world }) => {
    const [id = ''] = await makeEnded(world, 1)
    await world.sql`INSERT INTO outbox (events, job_ids, seqs) VALUES (1, ARRAY[${id}::uuid], '{3}')`
    await expect(removeJob(world.app, id)).rejects.toMatchObject({ code: 'JOB_UNPUBLISHED' })
    await publishAll(world)
    await removeJob(world.app, id)
    expect(await left(world)).toEqual(NOTHING)
  })

  test('is refused while a job runs after it, or needs a file that it made', async ({ world }) => {
    const [parent = '', maker = ''] = await makeEnded(world, 2)
    const file = await addFile(world, maker)
    const [child = '', user = ''] = await insertJobs(world.app, [{}, { input: JSON.stringify({ fileId: file.id }) }])
    await addChild(world, parent, child)
    await expect(removeJob(world.app, parent)).rejects.toMatchObject({ code: 'JOB_IN_USE' })
    for (const [state, key] of [
      ['queued', null],
      ['queued', ''],
      ['running', null],
      ['blocked', null],
    ] as const) {
      await world.sql`UPDATE jobs SET state = ${state}, concurrency_key = ${key} WHERE id = ${user}`
      await expect(removeJob(world.app, maker)).rejects.toMatchObject({ code: 'JOB_IN_USE' })
    }
    await world.sql`UPDATE jobs SET state = 'cancelled' WHERE id = ANY (${[child, user]}::uuid[])`
    await removeJob(world.app, parent)
    await removeJob(world.app, maker)
    expect(await jobIds(world)).toEqual([child, user].toSorted())
  })

  test('is refused while the job that submitted it may still name it, and the prune keeps it', async ({ world }) => {
    const [part = '', submitter = ''] = await makeEnded(world, 2, 31)
    await world.sql`UPDATE jobs SET submitted_by = ${submitter} WHERE id = ${part}`
    for (const state of ['running', 'queued', 'blocked']) {
      await world.sql`UPDATE jobs SET state = ${state}, finished_at = NULL WHERE id = ${submitter}`
      await expect(removeJob(world.app, part)).rejects.toMatchObject({ code: 'JOB_IN_USE' })
      expect(await removeExpiredJobs(world.app, 30, always)).toBe(0)
    }
    await world.sql`UPDATE jobs SET state = 'failed', finished_at = now() WHERE id = ${submitter}`
    await removeJob(world.app, part)
    expect(await jobIds(world)).toEqual([submitter])
  })

  test('sees what was committed while it waited for the job', async ({ world }) => {
    const [id = ''] = await makeEnded(world, 1)
    const [child = ''] = await insertJobs(world.app, [{}])
    const removing = await world.sql.begin(async (tx) => {
      await addChild({ sql: tx }, id, child)
      const refused = removeJob(world.app, id).catch((error: unknown) => error)
      await untilOneWaits(world.sql)
      return { refused }
    })
    expect(await removing.refused).toMatchObject({ code: 'JOB_IN_USE' })
    expect(await jobIds(world)).toContain(id)
  })

  test.for([
    ['a model', (id: string) => ({ model: id, fileId: newId() })],
    ['an attachment', (id: string) => ({ attachments: [newId(), id] })],
  ] as const)(
    'is refused while a job needs a file of it as %s, and the prune keeps it',
    async ([, inputOf], { world }) => {
      const [maker = ''] = await makeEnded(world, 1, 31)
      const file = await addFile(world, maker)
      const [user = ''] = await insertJobs(world.app, [{ input: JSON.stringify(inputOf(file.id)) }])
      await publishAll(world)
      await expect(removeJob(world.app, maker)).rejects.toMatchObject({ code: 'JOB_IN_USE' })
      expect(await removeExpiredJobs(world.app, 30, always)).toBe(0)
      await world.sql`UPDATE jobs SET state = 'cancelled' WHERE id = ${user}`
      expect(await removeExpiredJobs(world.app, 30, always)).toBe(1)
    },
  )

  test('is refused while a schedule names a file of it, and the prune keeps it', async ({ world }) => {
    const [maker = ''] = await makeEnded(world, 1, 31)
    const file = await addFile(world, maker)
    const schedule = await schedules.insert(world.sql, {
      ...{ id: newId(), projectId: PROJECT, createdBy: null, nextAt: null, name: 'Weekly', cron: '0 0 * * 1' },
      ...{ timeZone: 'UTC', kind: 'model.run', input: { model: file.id, fileId: newId() }, priority: 0, tags: [] },
      ...{ maxAttempts: null, timeoutSeconds: null, expiresInSeconds: null, catchUp: 'one' },
    })
    await expect(removeJob(world.app, maker)).rejects.toMatchObject({ code: 'JOB_IN_USE' })
    expect(await removeExpiredJobs(world.app, 30, always)).toBe(0)
    await schedules.remove(world.sql, schedule.id)
    expect(await removeExpiredJobs(world.app, 30, always)).toBe(1)
  })

  test('that is not there says so', async ({ world }) => {
    await expect(removeJob(world.app, newId())).rejects.toMatchObject({ code: 'JOB_NOT_FOUND' })
  })

  test('succeeds while S3 is away; its objects are deleted later', async ({ world }) => {
    const [id = ''] = await makeEnded(world, 1)
    const { objectKey } = await addFile(world, id)
    const away = { ...world.app.files, deleteAll: () => Promise.reject(new Error('no S3')) }
    await removeJob({ ...world.app, files: away }, id)
    expect(await left(world)).toEqual({ ...NOTHING, orphans: 1 })
    expect(await world.app.files.head(objectKey)).not.toBeNull()
    const { handler } = await import('../../functions/schedule/prune.ts')
    await handler.periodic.run(world.app)
    expect(await left(world)).toEqual(NOTHING)
    expect(await world.app.files.head(objectKey)).toBeNull()
  })
})

describe('retention', () => {
  test('removes what ended long enough ago, and nothing younger', async ({ world }) => {
    await makeEnded(world, 3, 31)
    const young = await makeEnded(world, 2, 29)
    expect(await removeExpiredJobs(world.app, 30, always)).toBe(3)
    expect(await jobIds(world)).toEqual(young.toSorted())
    expect(await left(world)).toMatchObject({ stints: 2, events: 6 })
  })

  test('counts from the end of a job, not from its submission', async ({ world }) => {
    const [id] = await makeEnded(world, 1, 40)
    await world.sql`UPDATE jobs SET finished_at = now() - interval '1 day'`
    expect(await removeExpiredJobs(world.app, 30, always)).toBe(0)
    expect(await jobIds(world)).toEqual([id])
  })

  test('keeps what has not ended, is not published, or is needed by a live job', async ({ world }) => {
    const [unpublished = '', parent = '', maker = '', waiting = ''] = await makeEnded(world, 4, 31)
    await world.sql`INSERT INTO outbox (events, job_ids, seqs) VALUES (1, ARRAY[${unpublished}::uuid], '{3}')`
    await world.sql`UPDATE jobs SET state = 'queued', finished_at = NULL WHERE id = ${waiting}`
    await addChild(world, parent, waiting)
    const file = await addFile(world, maker)
    await world.sql`UPDATE jobs SET input = ${JSON.stringify({ fileId: file.id })}::text::jsonb WHERE id = ${waiting}`
    expect(await removeExpiredJobs(world.app, 30, always)).toBe(0)
    await publishAll(world)
    await world.sql`UPDATE jobs SET state = 'failed', finished_at = now() WHERE id = ${waiting}`
    expect(await removeExpiredJobs(world.app, 30, always)).toBe(3)
    expect(await jobIds(world)).toEqual([waiting])
    expect(await left(world)).toMatchObject({ jobs: 1, edges: 0, files: 0, orphans: 1 })
  })

  test('leaves a job with all that is its own while somebody begins it anew', async ({ world }) => {
    const [id = ''] = await makeEnded(world, 1, 31)
    await world.sql`UPDATE jobs SET state = 'failed'`
    await addLogLine(world.app, id)
    await world.sql.begin(async (tx) => {
      await tx`UPDATE jobs SET state = 'queued', finished_at = NULL`
      expect(await removeExpiredJobs(world.app, 30, always)).toBe(0)
    })
    expect(await left(world)).toMatchObject({ jobs: 1, stints: 1, logs: 1 })
  })

  test('looks at a job again once it is locked', async ({ world }) => {
    const [again = '', since = '', old = ''] = await makeEnded(world, 3, 31)
    await world.sql`UPDATE jobs SET state = 'queued', finished_at = NULL WHERE id = ${again}`
    await world.sql`UPDATE jobs SET finished_at = now() WHERE id = ${since}`
    const ids = [again, since, old]
    expect(await removals.listFree(world.sql, ids, 30)).toEqual([old])
    expect(await removals.listFree(world.sql, ids, null)).toEqual([since, old].toSorted())
  })

  test('goes on from batch to batch, however large a job’s timeline is', async ({ world }) => {
    const ids = await makeEnded(world, 5, 31)
    // Two jobs of this size are more than one transaction takes.
    await world.sql`UPDATE jobs SET event_seq = 9000`
    await world.sql`
      INSERT INTO job_logs (job_id, stint, level, message)
      SELECT ${ids[0] ?? ''}::uuid, 1, 'info', 'hello' FROM generate_series(1, 10001)`
    expect(await removeExpiredJobs(world.app, 30, always)).toBe(5)
    expect(await left(world)).toEqual(NOTHING)
  })

  test('stops between two batches when its time is over', async ({ world }) => {
    await makeEnded(world, 4, 31)
    await world.sql`UPDATE jobs SET event_seq = 9000`
    let looks = 0
    expect(await removeExpiredJobs(world.app, 30, () => ++looks === 1)).toBe(2)
    expect((await left(world))?.['jobs']).toBe(2)
  })

  test('of two at the same time removes each job once', async ({ world }) => {
    await makeEnded(world, 50, 31)
    const counts = await Promise.all([
      removeExpiredJobs(world.app, 30, always),
      removeExpiredJobs(await world.anotherApp(), 30, always),
    ])
    expect((counts[0] ?? 0) + (counts[1] ?? 0)).toBe(50)
    expect(await left(world)).toEqual(NOTHING)
  })
})
