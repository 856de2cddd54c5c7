import { describe, expect } from 'vitest'
import type { Sql } from '../../db/client.ts'
import { type Person, test, type World } from '../support/world.ts'
import { type Known, PROMISES } from './promises.ts'

// Whether the chaos run would notice. A history that is as it should be breaks no promise, and each promise is broken by
// what it says that never happens.

const ENDS_WELL = ['ends:succeeded']

/** Jobs of all kinds that are run to their ends: one with parents, one that is delayed, one that fails and is retried. */
const makeHistory = async (world: World): Promise<Known> => {
  const ada = await world.register()
  const post = (url: string, body: unknown) => world.http('POST', url, { token: ada.accessToken, body })
  await post('/device-models', { code: '0111', name: 'A model' })
  const jobs = [
    { kind: 'debug.noop', input: { steps: 2, echo: 'a' }, name: 'parent', tags: ENDS_WELL },
    { kind: 'debug.noop', input: {}, name: 'child', tags: ENDS_WELL, after: ['$parent'] },
    { kind: 'debug.noop', input: {}, name: 'delayed', tags: ENDS_WELL, delaySeconds: 1 },
    {
      kind: 'serials.generate',
      input: { deviceModelCode: '0111', start: 0, count: 20 },
      name: 'made',
      tags: ENDS_WELL,
    },
    { kind: 'math.pi', input: { digits: 5 }, name: 'pi', tags: ENDS_WELL },
    {
      kind: 'image.resize',
      input: { fileId: await upload(world, ada), sizes: [{ width: 5 }] },
      name: 'pic',
      tags: ENDS_WELL,
    },
    {
      kind: 'serials.generate',
      input: { deviceModelCode: 'NONE', start: 0, count: 1 },
      name: 'fails',
      tags: ['ends:failed', 'code:DEVICE_MODEL_NOT_FOUND'],
    },
  ]
  const { body } = await post('/jobs/batch', { jobs })
  await runAll(world)
  await post(`/jobs/${body.ids.at(-1)}/retry`, {})
  await runAll(world)
  await world.relay()
  return { accepted: body.ids, pi: '3.1415926' }
}

const upload = async (world: World, { accessToken: token }: Person): Promise<string> => {
  const { default: sharp } = await import('sharp')
  const picture = await sharp({ create: { width: 20, height: 20, channels: 3, background: 'red' } })
    .png()
    .toBuffer()
  const headers = { 'content-type': 'image/png' }
  const { body } = await world.http('POST', '/files?name=a.png', { token, headers, body: picture })
  return body.file.id
}

const runAll = async (world: World): Promise<void> => {
  const open = async () => {
    for (const queue of ['default', 'compute', 'bulk'] as const) await world.work(queue)
    await world.sweep()
    const [row] = await world.sql`SELECT count(*)::integer AS open FROM jobs WHERE finished_at IS NULL`
    return row?.['open']
  }
  await expect.poll(open).toBe(0)
}

const ofJob = (sql: Sql, name: string) => sql`(SELECT id FROM jobs WHERE name = ${name})`

/** What breaks each promise, in the order in which they stand. */
const CRIMES: ((sql: Sql, known: Known) => Promise<unknown> | undefined)[] = [
  (_, known) => void known.accepted.push('00000000-0000-7000-8000-000000000000'),
  (sql) => sql`UPDATE jobs SET state = 'queued', finished_at = NULL WHERE name = 'child'`,
  (sql) => sql`UPDATE jobs SET state = 'failed', error = '{"code":"CRASHED"}' WHERE name = 'child'`,
  (sql) => sql`UPDATE jobs SET name = 'parent' WHERE name = 'child'`,
  (sql) => sql`UPDATE events SET type = 'job.succeeded' WHERE job_id = ${ofJob(sql, 'child')} AND type = 'job.started'`,
  (sql) => sql`DELETE FROM events WHERE job_id = ${ofJob(sql, 'child')} AND seq = 2`,
  (sql) => sql`INSERT INTO outbox (events, job_ids, seqs) VALUES (1, ARRAY[${ofJob(sql, 'child')}], '{1}')`,
  (sql) => sql`
    UPDATE events SET data = jsonb_set(data, '{stint}', '1') WHERE job_id = ${ofJob(sql, 'fails')}
      AND seq = (SELECT event_seq FROM jobs WHERE name = 'fails')`,
  (sql) => sql`DELETE FROM stints WHERE job_id = ${ofJob(sql, 'child')}`,
  (sql) =>
    sql`UPDATE stints SET ended_at = now() + interval '1 hour' WHERE job_id = ${ofJob(sql, 'fails')} AND stint = 1`,
  (sql) => sql`UPDATE serial_numbers SET created_at = now() + interval '1 hour' WHERE number = 7`,
  (sql) => sql`DELETE FROM serial_numbers WHERE number = 7`,
  (sql) =>
    sql`UPDATE serial_numbers SET serial = (SELECT serial FROM serial_numbers WHERE number = 6) WHERE number = 7`,
  (sql) => sql`DELETE FROM files WHERE job_id IS NOT NULL`,
  (sql) => sql`UPDATE jobs SET result = jsonb_set(result, '{digits}', '"3.14158"') WHERE name = 'pi'`,
  (sql) => sql`UPDATE jobs SET started_at = started_at - interval '1 hour' WHERE name = 'child'`,
  (sql) => sql`UPDATE jobs SET started_at = queued_at WHERE name = 'delayed'`,
]

const brokenBy = async (sql: Sql, known: Known): Promise<string[]> => {
  const broken: string[] = []
  for (const { promise, broken: rows } of PROMISES) if ((await rows(sql, known)).length > 0) broken.push(promise)
  return broken
}

class RollBack extends Error {}

describe('the promises of the chaos run', () => {
  test('are kept by a history that is as it should be, and each is broken by what breaks it', async ({ world }) => {
    const known = await makeHistory(world)
    expect(await brokenBy(world.sql, known)).toEqual([])
    expect(CRIMES).toHaveLength(PROMISES.length)
    for (const [nth, { promise }] of PROMISES.entries()) {
      const own = { ...known, accepted: [...known.accepted] }
      const found: string[] = []
      const committed = world.sql.begin(async (tx) => {
        await CRIMES[nth]?.(tx, own)
        found.push(...(await brokenBy(tx, own)))
        throw new RollBack()
      })
      await expect(committed).rejects.toThrow(RollBack)
      expect(found).toContain(promise)
    }
  })
})
