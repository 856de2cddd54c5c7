import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished } from 'vitest'
import * as jobs from '../../db/queries/jobs.ts'
import { newId } from '../../lib/core/ids.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { test, type World } from '../../tests/support/world.ts'
import { run } from './program.ts'

interface Report {
  exitCode: number
  healthy: boolean
  findings: { check: string; what: string; remedy: string; fixable: boolean; fixed: string | null }[]
}

/** `stint doctor --json`, with the sweep and the relay running unless told otherwise. */
const doctor = async (world: World, ...options: string[]): Promise<Report> => {
  const printed: string[] = []
  const io = { env: world.environment, out: (text: string) => void printed.push(text), err: expect.unreachable }
  const exitCode = await run(['doctor', '--json', ...options], io)
  return { exitCode, ...JSON.parse(printed.join('')) }
}

/** What runs in a stack that is well. */
const startRunners = ({ sql }: World) => sql`
  INSERT INTO runners (name, holder, lease_until)
  SELECT name, 'host', now() + interval '1 minute' FROM unnest(ARRAY['sweep', 'schedules', 'relay']) AS name`

const publishAll = ({ sql }: World) => sql`DELETE FROM outbox`

/** A world that is well, with jobs of a kind that is declared. */
const makeJobs = async (world: World, given: Partial<jobs.NewJob>[]): Promise<string[]> => {
  await startRunners(world)
  const ids = await insertJobs(
    world.app,
    given.map((it) => ({ kind: 'debug.noop', input: '{}', ...it })),
  )
  await publishAll(world)
  return ids
}

const checks = ({ findings }: Report): string[] => findings.map((it) => it.check)
const stateOf = async ({ app }: World, id = '') => (await jobs.find(app.sql, id))?.state

test('a world that is well is called so', async ({ world }) => {
  await makeJobs(world, [{}, { delaySeconds: 100 }])
  expect(await doctor(world)).toEqual({ exitCode: 0, healthy: true, findings: [] })
})

test('a mail of the service’s own, which nobody else submits, is of a kind that is known', async ({ world }) => {
  await makeJobs(world, [{ kind: 'account.mail' }])
  expect(await doctor(world)).toEqual({ exitCode: 0, healthy: true, findings: [] })
})

test('the report for people tells each check, what is wrong, and its remedy', async ({ world }) => {
  await makeJobs(world, [{}])
  await world.sql`UPDATE jobs SET start_at = now() - interval '1 minute'`
  const printed: string[] = []
  const io = { env: world.environment, out: (text: string) => void printed.push(text), err: expect.unreachable }
  expect(await run(['doctor'], io)).toBe(1)
  expect(printed[0]).toContain(`✓ leases
✓ ends
✓ dependencies
✗ doorbells
    1 job of the queue default could have started for over 10 s, and no doorbell is waiting
    remedy: the sweep rings again when it runs
✓ paused queues`)
  expect(printed[0]).toContain('`stint doctor --fix` repairs what needs no decision.')
  expect(await run(['doctor', '--fix'], io)).toBe(0)
  expect(printed[1]).toContain('✚ doorbells')
  expect(printed[1]).toContain('done: rang 1 doorbell')
  expect(printed[1]?.endsWith('Healthy.')).toBe(true)
})

/** An API that says of its components what it is told to, or breaks each connection. @returns its address */
const answering = async (components: object[] | 'nothing' | undefined): Promise<string> => {
  const server = createServer((request, response) => {
    if (components === 'nothing') request.destroy()
    else response.end(JSON.stringify({ status: 'ok', components }))
  })
  onTestFinished(() => void server.close())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

describe('asks the API whose address it is told', () => {
  test.for<[what: string, components: Parameters<typeof answering>[0], says: (url: string) => string[]]>([
    ['which is well', [{ name: 'postgres', status: 'up' }], () => []],
    [
      'which lacks Kafka',
      [
        { name: 'postgres', status: 'up' },
        { name: 'kafka', status: 'down' },
      ],
      () => ['kafka is down, as the API sees it'],
    ],
    ['which breaks off', 'nothing', (url) => [`the API at ${url} gives no answer: other side closed`]],
    ['which is another', undefined, (url) => [`the API at ${url} gives no answer: it says nothing of its components`]],
  ])('%s', async ([, components, says], { world }) => {
    await makeJobs(world, [{}])
    const url = await answering(components)
    const { exitCode, findings } = await doctor({ ...world, environment: { ...world.environment, STINT_URL: url } })
    expect(findings.map(({ check, what }) => `${check}: ${what}`)).toEqual(says(url).map((it) => `api: ${it}`))
    expect(exitCode).toBe(says(url).length === 0 ? 0 : 1)
  })
})

describe('finds and repairs', () => {
  test('startable jobs without a doorbell', async ({ world }) => {
    await makeJobs(world, [{}, { queue: 'bulk' }])
    await world.sql`UPDATE jobs SET start_at = now() - interval '1 minute' WHERE queue = 'default'`
    expect(checks(await doctor(world))).toEqual(['doorbells'])
    const repaired = await doctor(world, '--fix')
    expect(repaired).toMatchObject({ exitCode: 0, healthy: true, findings: [{ fixed: 'rang 1 doorbell' }] })
    expect(await world.app.queue.visible('default')).toBe(1)
    expect(await world.app.queue.visible('bulk')).toBe(0)
    expect(await doctor(world)).toMatchObject({ exitCode: 0 })
  })

  test('jobs with limits whose kind has another queue by now: there workers look for them', async ({ world }) => {
    await makeJobs(world, [{ kind: 'page.parse', queue: 'bulk', concurrencyKey: 'example.com' }])
    await world.sql`UPDATE jobs SET start_at = now() - interval '1 minute'`
    await world.app.queue.ring([{ queue: 'bulk', n: 1 }])
    const repaired = await doctor(world, '--fix')
    expect(repaired.findings).toMatchObject([
      { what: expect.stringContaining('the queue default'), fixed: 'rang 1 doorbell' },
    ])
    expect(await world.app.queue.visible('default')).toBe(1)
    expect(await world.app.queue.visible('bulk')).toBe(1)
  })

  test('lost leases', async ({ world }) => {
    const [id] = await makeJobs(world, [{}])
    await world.sql`
      UPDATE jobs SET state = 'running', stint = 1, stint_started_at = now(), lease_until = now() - interval '1 minute'`
    expect(await doctor(world)).toMatchObject({
      exitCode: 1,
      findings: [{ check: 'leases', fixable: true, fixed: null }],
    })
    expect(await stateOf(world, id)).toBe('running')
    expect(await doctor(world, '--fix')).toMatchObject({ exitCode: 0, findings: [{ fixed: 'ended 1 lost lease' }] })
    expect(await stateOf(world, id)).toBe('queued')
  })

  test('blocked jobs whose parents have all ended', async ({ world }) => {
    const [parent = '', child = '', failed = '', skipped = ''] = await makeJobs(world, [
      { hasChildren: true },
      { waitsFor: 1, hasParents: true },
      { hasChildren: true },
      { waitsFor: 1, hasParents: true, onParentFailure: 'skip' },
    ])
    await world.sql`INSERT INTO job_dependencies (child_id, parent_id) VALUES (${child}, ${parent}), (${skipped}, ${failed})`
    expect(checks(await doctor(world))).toEqual([])
    await world.sql`UPDATE jobs SET state = 'succeeded', finished_at = now() WHERE id = ${parent}`
    await world.sql`UPDATE jobs SET state = 'failed', finished_at = now() WHERE id = ${failed}`
    const ill = await doctor(world)
    expect(checks(ill)).toEqual(['dependencies'])
    expect(ill.findings[0]?.what).toContain(
      '2 blocked jobs that nobody will free (2 of them wait for jobs that have ended)',
    )
    expect(await doctor(world, '--fix')).toMatchObject({
      exitCode: 0,
      findings: [{ fixed: 'counted 2 blocked jobs anew, of which 1 came free' }],
    })
    expect([await stateOf(world, child), await stateOf(world, skipped)]).toEqual(['queued', 'cancelled'])
    expect(await world.app.queue.visible('default')).toBe(1)
  })

  test('no blocked jobs that the sweep goes on with', async ({ world }) => {
    const [parent = '', child = ''] = await makeJobs(world, [{ hasChildren: true }, { waitsFor: 1, hasParents: true }])
    await world.sql`INSERT INTO job_dependencies (child_id, parent_id) VALUES (${child}, ${parent})`
    await world.sql`UPDATE jobs SET state = 'succeeded', finished_at = now() WHERE id = ${parent}`
    expect(checks(await doctor(world))).toEqual(['dependencies'])
    await world.sql`INSERT INTO uncounted_parents VALUES (${parent})`
    expect(checks(await doctor(world))).toEqual([])
    // It should have been done with them long ago.
    await world.sql`UPDATE jobs SET finished_at = now() - interval '6 minutes' WHERE id = ${parent}`
    expect(checks(await doctor(world))).toEqual(['ends'])
    expect(await doctor(world, '--fix')).toMatchObject({
      exitCode: 0,
      findings: [{ what: expect.stringContaining('1 job that ended'), fixed: 'told all that run after them' }],
    })
    expect(await stateOf(world, child)).toBe('queued')
  })

  test('blocked jobs that count wrong, or wait for a job that is gone', async ({ world }) => {
    const [parent = '', overcounted = '', undercounted = '', orphan = ''] = await makeJobs(world, [
      { delaySeconds: 100, hasChildren: true },
      { waitsFor: 2, hasParents: true },
      { waitsFor: 2, hasParents: true },
      { waitsFor: 1, hasParents: true },
    ])
    await world.sql`
      INSERT INTO job_dependencies (child_id, parent_id, settled_at)
      VALUES (${overcounted}, ${parent}, now()), (${undercounted}, ${parent}, NULL), (${orphan}, ${newId()}, NULL)`
    expect((await doctor(world)).findings[0]?.what).toContain('3 blocked jobs')
    expect(await doctor(world, '--fix')).toMatchObject({ exitCode: 0 })
    const rows = await world.sql`SELECT id, state, waits_for, event_seq FROM jobs WHERE has_parents ORDER BY id`
    expect([...rows]).toEqual([
      { id: overcounted, state: 'queued', waitsFor: 0, eventSeq: 2 },
      { id: undercounted, state: 'blocked', waitsFor: 1, eventSeq: 1 },
      { id: orphan, state: 'queued', waitsFor: 0, eventSeq: 2 },
    ])
    const events =
      await world.sql`SELECT seq, type, data->>'reason' AS reason FROM events WHERE job_id = ${orphan} ORDER BY seq`
    expect([...events]).toEqual([
      { seq: 1, type: 'job.blocked', reason: null },
      { seq: 2, type: 'job.queued', reason: 'recounted' },
    ])
  })

  test('uploads that never came, and those that did unnoticed', async ({ world }) => {
    await startRunners(world)
    const { accessToken: token } = await world.register()
    const announce = async (name: string) =>
      (await world.http('POST', '/files/uploads', { token, body: { name, contentType: 'text/plain', sizeBytes: 5 } }))
        .body.file.id
    const [never, came, young] = [await announce('never'), await announce('came'), await announce('young')]
    const [row] = await world.sql<[{ objectKey: string }]>`SELECT object_key FROM files WHERE id = ${came}`
    await world.app.files.put(row.objectKey, Buffer.from('hello'), 'text/plain')
    await world.sql`UPDATE files SET created_at = now() - interval '2 hours' WHERE id <> ${young}`
    expect(checks(await doctor(world))).toEqual(['uploads'])
    expect(await doctor(world, '--fix')).toMatchObject({
      exitCode: 0,
      findings: [{ fixed: 'removed 1 row of uploads that never came, learnt the size of 1 that did' }],
    })
    const left = await world.sql`SELECT id, size_bytes FROM files ORDER BY id`
    expect([...left]).toEqual([
      { id: came, sizeBytes: 5 },
      { id: young, sizeBytes: null },
    ])
    expect(left.map((it) => it['id'])).not.toContain(never)
  })

  test('objects without a row', async ({ world }) => {
    await startRunners(world)
    await world.app.files.put('lost', Buffer.from('x'), 'text/plain')
    await world.sql`INSERT INTO orphaned_objects VALUES ('lost', now() - interval '3 hours')`
    expect(checks(await doctor(world))).toEqual(['objects'])
    expect(await doctor(world, '--fix')).toMatchObject({ exitCode: 0, findings: [{ fixed: 'deleted 1 object' }] })
    expect(await world.app.files.head('lost')).toBeNull()
  })
})

describe('finds, and says the remedy', () => {
  test('events that nobody publishes', async ({ world }) => {
    const [id = ''] = await makeJobs(world, [{}])
    await world.sql`
      INSERT INTO outbox (created_at, events, job_ids, seqs)
      VALUES (now() - interval '1 minute', 1, ARRAY[${id}::uuid], '{1}')`
    const report = await doctor(world, '--fix')
    expect(report).toMatchObject({ exitCode: 1, findings: [{ check: 'outbox', fixable: false, fixed: null }] })
    expect(report.findings[0]?.what).toMatch(/^1 event not published, the oldest for 6\d s$/)
  })

  test('runners that nobody holds', async ({ world }) => {
    const none = await doctor(world)
    expect(none.findings.map((it) => it.what)).toEqual(
      ['relay', 'schedules', 'sweep'].map((name) => `nobody holds the lease of the ${name}`),
    )
    await world.sql`
      INSERT INTO runners VALUES ('sweep', 'host', now() + interval '1 minute'), ('schedules', 'host', now() + interval '1 minute'),
                                 ('relay', 'dead', now() - interval '1 hour')`
    const one = await doctor(world)
    expect(one.findings.map((it) => it.what)).toEqual([
      expect.stringMatching(/^nobody holds the lease of the relay: that of dead ended 36\d\d s ago$/),
    ])
    expect(one.exitCode).toBe(1)
  })

  test('paused queues in which jobs wait', async ({ world }) => {
    await world.sql`UPDATE queues SET paused_at = now() WHERE name IN ('default', 'bulk')`
    await makeJobs(world, [{}, {}, { queue: 'compute' }])
    const report = await doctor(world, '--fix')
    expect(checks(report)).toEqual(['paused queues'])
    expect(report.findings[0]?.what).toMatch(/^the queue default has been paused since .*, and 2 jobs could start$/)
  })

  test('jobs of kinds that nobody declares', async ({ world }) => {
    await makeJobs(world, [{ kind: 'old.kind', delaySeconds: 60 }, {}])
    const report = await doctor(world)
    expect(checks(report)).toEqual(['kinds'])
    expect(report.findings[0]?.what).toContain('1 queued job of the kind old.kind')
  })

  test('schedules that are late, or make no job', async ({ world }) => {
    await startRunners(world)
    const { accessToken: token } = await world.register()
    const body = { name: 'Late', cron: '0 0 1 1 *', kind: 'math.pi', input: { digits: 1 } }
    const late = (await world.http('POST', '/schedules', { token, body })).body.schedule.id
    const ill = (await world.http('POST', '/schedules', { token, body: { ...body, name: 'Ill' } })).body.schedule.id
    await world.http('POST', '/schedules', { token, body: { ...body, paused: true } })
    expect(checks(await doctor(world))).toEqual([])
    await world.sql`UPDATE schedules SET next_at = now() - interval '2 minutes' WHERE id = ${late}`
    await world.sql`UPDATE schedules SET error = '{"code":"UNKNOWN_KIND","message":""}' WHERE id = ${ill}`
    const report = await doctor(world)
    expect(report.findings.map((it) => [it.check, it.what])).toEqual([
      // Two minutes, and as long as it took to look.
      ['schedules', expect.stringMatching(new RegExp(`^the schedule Late \\(${late}\\) is \\d+ s late$`))],
      ['schedules', `the latest tick of the schedule Ill (${ill}) made no job: UNKNOWN_KIND`],
    ])
  })
})
