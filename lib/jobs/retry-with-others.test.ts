import { describe, expect } from 'vitest'
import * as jobs from '../../db/queries/jobs.ts'
import { untilOneWaits } from '../../tests/support/lock-waits.ts'
import { test, type World } from '../../tests/support/world.ts'
import { cancelJob } from './cancel.ts'
import { retryJob, retryJobs } from './retry-jobs.ts'

const noop = (over: object = {}) => ({ kind: 'debug.noop', input: {}, ...over })

/** Somebody who submits over HTTP. */
const submitter = async (world: World) => {
  const { accessToken: token, projectId } = await world.register()
  const post = (path: string, body: object = {}) => world.http('POST', path, { token, body })
  return {
    projectId,
    post,
    batch: async (...given: object[]): Promise<string[]> => (await post('/jobs/batch', { jobs: given })).body.ids,
    submit: async (over: object): Promise<string> => (await post('/jobs', noop(over))).body.job.id,
    cancel: (id: string) => post(`/jobs/${id}/cancel`),
    retry: async (id: string) => {
      const { status, body } = await post(`/jobs/${id}/retry`)
      return status === 202 ? body.job.state : body.code
    },
  }
}

const states = (world: World, ids: string[]) =>
  Promise.all(ids.map(async (id) => (await jobs.find(world.sql, id))?.state))

const redriveAll = async ({ sql, app }: World, filter: object = {}) => {
  const { redriveJobs } = await import('./retry-jobs.ts')
  await sql`UPDATE jobs SET state = 'failed' WHERE state = 'cancelled'`
  return redriveJobs(app, { queue: 'default', ...filter }, { askedBy: 'ada', limit: 100, perSecond: undefined })
}

describe('a job that begins anew', () => {
  test('waits for its parents that live again, and runs after them', async ({ world }) => {
    const ada = await submitter(world)
    const chain = await ada.batch(noop({ name: 'a' }), noop({ name: 'b', after: ['$a'] }), noop({ after: ['$b'] }))
    const [a = '', b = '', c = ''] = chain
    await ada.cancel(a)
    expect(await states(world, chain)).toEqual(['cancelled', 'failed', 'failed'])
    expect([await ada.retry(a), await ada.retry(b), await ada.retry(c)]).toEqual(['queued', 'blocked', 'blocked'])
    await world.work('default')
    expect(await states(world, chain)).toEqual(['succeeded', 'succeeded', 'succeeded'])
    const started = await world.sql`SELECT job_id FROM events WHERE type = 'job.started' ORDER BY id`
    expect(started.map((row) => row['jobId'])).toEqual(chain)
    const told = await world.sql`SELECT data FROM events WHERE job_id = ${b} AND data->>'reason' = 'retried'`
    expect(told).toMatchObject([{ data: { waitsFor: 1, attempt: 1 } }])
  })

  test('waits for the parent that still ran when another one failed it', async ({ world }) => {
    const ada = await submitter(world)
    const [a = '', b = '', c = ''] = await ada.batch(
      noop({ name: 'a' }),
      noop({ name: 'b', delaySeconds: 100 }),
      noop({ after: ['$a', '$b'] }),
    )
    await ada.cancel(a)
    expect(await states(world, [c])).toEqual(['failed'])
    expect(await ada.retry(c)).toBe('blocked')
    await world.sql`UPDATE jobs SET start_at = now() WHERE id = ${b}`
    await world.work('default')
    expect(await states(world, [a, b, c])).toEqual(['cancelled', 'succeeded', 'succeeded'])
  })

  test('is held with its parents in the order in which others hold many', async ({ world }) => {
    const ada = await submitter(world)
    const [first = '', parent = '', child = ''] = await ada.batch(noop(), noop({ name: 'a' }), noop({ after: ['$a'] }))
    await ada.cancel(first)
    await ada.cancel(parent)
    let begun: Promise<number> | undefined
    await world.sql.begin(async (tx) => {
      await tx`SELECT FROM jobs WHERE id = ${first} FOR UPDATE`
      begun = retryJobs(world.app, [first, child], { fromStart: false })
      await untilOneWaits(world.sql)
      await tx`SELECT FROM jobs WHERE id = ${parent} FOR UPDATE`
    })
    expect(await begun).toBe(2)
  })

  test('fails again when its parent fails again', async ({ world }) => {
    const ada = await submitter(world)
    const [a = '', b = ''] = await ada.batch(noop({ name: 'a' }), noop({ after: ['$a'] }))
    await ada.cancel(a)
    await ada.retry(a)
    await ada.retry(b)
    await ada.cancel(a)
    expect(await jobs.find(world.sql, b)).toMatchObject({ state: 'failed', error: { code: 'PARENT_FAILED' } })
  })

  test('asks no more for parents that have ended', async ({ world }) => {
    const ada = await submitter(world)
    const [a = '', b = ''] = await ada.batch(noop({ name: 'a' }), noop({ after: ['$a'] }))
    await ada.cancel(a)
    expect(await ada.retry(b)).toBe('queued')
    await world.work('default')
    expect(await states(world, [a, b])).toEqual(['cancelled', 'succeeded'])
  })

  test('is waited for again by a child that still waits for another', async ({ world }) => {
    const ada = await submitter(world)
    const [a = '', b = '', c = ''] = await ada.batch(
      noop({ name: 'a' }),
      noop({ name: 'b' }),
      noop({ after: ['$a', '$b'], onParentFailure: 'run' }),
    )
    await ada.cancel(a)
    await ada.retry(a)
    await world.sql`UPDATE jobs SET start_at = now() + interval '1 minute' WHERE id = ${a}`
    await world.work('default')
    expect(await states(world, [a, b, c])).toEqual(['queued', 'succeeded', 'blocked'])
    await ada.cancel(a)
    expect(await states(world, [c])).toEqual(['queued'])
  })

  test('just when its parent falls with the one before it falls too', async ({ world }) => {
    const { app, sql } = world
    const ada = await submitter(world)
    const chain = await ada.batch(noop({ name: 'a' }), noop({ name: 'b', after: ['$a'] }), noop({ after: ['$b'] }))
    const [a = '', , c = ''] = chain
    await ada.cancel(c)
    let cancelled: Promise<unknown> | undefined
    await retryJob(app, c, { fromStart: false }, async () => {
      cancelled = cancelJob(app, a)
      await untilOneWaits(sql)
    })
    await cancelled
    expect(await states(world, chain)).toEqual(['cancelled', 'failed', 'failed'])
  })

  test('with many others waits for those of them that are its parents', async ({ world }) => {
    const ada = await submitter(world)
    // The child comes first, so that its id is the smaller one.
    const all = await ada.batch(
      noop({ name: 'c', after: ['$b'] }),
      noop({ name: 'b', after: ['$a'] }),
      noop({ name: 'a' }),
    )
    await ada.cancel(all[2] ?? '')
    expect(await redriveAll(world, { code: 'PARENT_FAILED' })).toEqual({ redriven: 2, skipped: 0 })
    expect(await states(world, all)).toEqual(['blocked', 'queued', 'failed'])
    await world.work('default')
    expect(await states(world, all)).toEqual(['succeeded', 'succeeded', 'failed'])
  })
})

describe('the unique key of a job that begins anew', () => {
  test('is taken again, so that the next job with it is a duplicate', async ({ world }) => {
    const ada = await submitter(world)
    const id = await ada.submit({ uniqueKey: 'k' })
    await ada.cancel(id)
    await world.sql`DELETE FROM unique_keys`
    expect(await ada.retry(id)).toBe('queued')
    expect(await ada.submit({ uniqueKey: 'k' })).toBe(id)
    await world.work('default')
    expect(await ada.submit({ uniqueKey: 'k' })).not.toBe(id)
  })

  test('that another live job has refuses the retry, and says who has it', async ({ world }) => {
    const ada = await submitter(world)
    const id = await ada.submit({ uniqueKey: 'k' })
    await ada.cancel(id)
    const other = await ada.submit({ uniqueKey: 'k' })
    expect(other).not.toBe(id)
    const refused = await ada.post(`/jobs/${id}/retry`)
    expect(refused).toMatchObject({ status: 409, body: { code: 'UNIQUE_KEY_TAKEN' } })
    expect(refused.body.detail).toContain(other)
    expect(await states(world, [id, other])).toEqual(['cancelled', 'queued'])
    await ada.cancel(other)
    expect(await ada.retry(id)).toBe('queued')
    expect(await ada.retry(other)).toBe('UNIQUE_KEY_TAKEN')
  })

  test('that an ended job keeps for its time refuses the retry until then', async ({ world }) => {
    const ada = await submitter(world)
    const id = await ada.submit({ uniqueKey: 'k' })
    await ada.cancel(id)
    const other = await ada.submit({ uniqueKey: 'k', uniqueForSeconds: 60 })
    await world.work('default')
    expect(await states(world, [other])).toEqual(['succeeded'])
    expect(await ada.retry(id)).toBe('UNIQUE_KEY_TAKEN')
    await world.sql`UPDATE unique_keys SET until = now() - interval '1 second'`
    expect(await ada.retry(id)).toBe('queued')
  })

  test('is free to itself, also while its time is not over', async ({ world }) => {
    const ada = await submitter(world)
    const id = await ada.submit({ uniqueKey: 'k', uniqueForSeconds: 60 })
    await ada.cancel(id)
    expect(await ada.retry(id)).toBe('queued')
  })

  test('goes to one of a retry and a submission that come at once', async ({ world }) => {
    const ada = await submitter(world)
    for (let round = 0; round < 5; round++) {
      const id = await ada.submit({ uniqueKey: 'k' })
      await ada.cancel(id)
      const [retried, submitted] = await Promise.all([ada.retry(id), ada.submit({ uniqueKey: 'k' })])
      expect([retried, submitted]).toSatisfy(
        ([how, holder]) => (how === 'queued' && holder === id) || (how === 'UNIQUE_KEY_TAKEN' && holder !== id),
      )
      const live = await world.sql<{ id: string }[]>`SELECT id FROM jobs WHERE state = 'queued'`
      expect(live).toHaveLength(1)
      await ada.cancel(live[0]?.id ?? '')
    }
  })

  test('lets a redrive pass over the jobs that lack it, and counts them', async ({ world }) => {
    const ada = await submitter(world)
    const ended: string[] = []
    for (const uniqueKey of ['k', 'k', 'k', 'other']) {
      const id = await ada.submit({ uniqueKey })
      await ada.cancel(id)
      ended.push(id)
    }
    const plain = await ada.submit({})
    await ada.cancel(plain)
    const holder = await ada.submit({ uniqueKey: 'other' })
    expect(await redriveAll(world)).toEqual({ redriven: 2, skipped: 3 })
    // Of those with one key it is the latest, which had it last.
    expect(await states(world, [...ended, plain, holder])).toEqual([
      'failed',
      'failed',
      'queued',
      'failed',
      'queued',
      'queued',
    ])
  })
})
