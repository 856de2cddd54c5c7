import { expect } from 'vitest'
import * as jobs from '../../db/queries/jobs.ts'
import * as leases from '../../db/queries/leases.ts'
import { insertJobs } from '../../tests/support/engine.ts'
import { untilOneWaits } from '../../tests/support/lock-waits.ts'
import { sentBy } from '../../tests/support/sent-statements.ts'
import { test, type World } from '../../tests/support/world.ts'
import { runDueSchedules } from './schedule.ts'
import { endLeasesExcept, sweep } from './sweep.ts'

const running = async (world: World, worker: string, leaseSecondsLeft: number): Promise<string> => {
  const [id = ''] = await insertJobs(world.app, [{}])
  await world.sql`
    UPDATE jobs SET state = 'running', stint = 1, worker = ${worker}, stint_started_at = now(),
      lease_until = now() + ${leaseSecondsLeft} * interval '1 second'
    WHERE id = ${id}`
  return id
}
const get = (world: World, id: string) => jobs.find(world.sql, id)

test('a job whose lease ran out is queued again in its old place, and its doorbell rung', async ({ world }) => {
  const lost = await running(world, 'w', -1)
  const held = await running(world, 'w', 30)
  await world.sql`
    UPDATE jobs SET stint_started_at = now() - interval '60 seconds', lease_until = now() - interval '50 seconds'
    WHERE id = ${lost}`
  const startAt = (await get(world, lost))?.startAt
  await sweep(world.app)
  expect(await get(world, lost)).toMatchObject({ state: 'queued', attempt: 1, crashes: 1, startAt, runMs: 10_000 })
  expect(await get(world, held)).toMatchObject({ state: 'running' })
  expect(await world.app.queue.visible('default')).toBe(1)
})

test('a lost job that somebody holds keeps no other waiting', async ({ world }) => {
  const [held, lost] = [await running(world, 'w', -1), await running(world, 'w', -1)]
  await world.sql.begin(async (tx) => {
    await tx`SELECT FROM jobs WHERE id = ${held} FOR UPDATE`
    await sweep(world.app)
  })
  expect([(await get(world, held))?.state, (await get(world, lost))?.state]).toEqual(['running', 'queued'])
})

test('where nothing waits, runs or is scheduled, a pass is two statements', async ({ world }) => {
  const now = world.app.clock.now()
  const app = { ...world.app, clock: { now: () => now } }
  const sent = sentBy(world.sql)
  const one = async (): Promise<number> => {
    const before = sent.length
    await sweep(app)
    await runDueSchedules(app, [])
    return sent.length - before
  }
  // The first one takes the leases.
  await one()
  expect(await one()).toBe(2)
})

test('only one process sweeps at a time; another takes over when its lease is over', async ({ world }) => {
  const other = await world.anotherApp({ instance: 'other' })
  await sweep(world.app)
  const lost = await running(world, 'w', -1)
  await sweep(other)
  expect((await get(world, lost))?.state).toBe('running')
  await world.sql`UPDATE runners SET lease_until = now() - interval '1 second'`
  await sweep(other)
  expect((await get(world, lost))?.state).toBe('queued')
})

test('after an outage in which nobody could sweep for a lease, running jobs get one more', async ({ world }) => {
  const lost = await running(world, 'w', -1)
  await sweepIsHeld(world, -90)
  await sweep(world.app)
  expect(await get(world, lost)).toMatchObject({ state: 'running', crashes: 0 })
  await world.sql`UPDATE jobs SET lease_until = now() - interval '1 second'`
  await sweep(world.app)
  expect(await get(world, lost)).toMatchObject({ state: 'queued', crashes: 1 })
})

/** The sweep's lease, of which a holder that is gone has this many seconds left. */
const sweepIsHeld = ({ sql }: World, secondsLeft: number) => sql`
  INSERT INTO runners (name, holder, lease_until) VALUES ('sweep', 'gone', now() + ${secondsLeft} * interval '1 second')`

// A lease of the sweep is of 30 s and one of a job of 60 s, which its worker renews each 20 s.
test.for([
  { outage: 75, ofSweep: -45, ofJob: -15 },
  { outage: 75, ofSweep: -45, ofJob: 5 },
])('an outage of $outage s ends no lease that a worker could not renew', async ({ ofSweep, ofJob }, { world }) => {
  const id = await running(world, 'w', ofJob)
  await sweepIsHeld(world, ofSweep)
  await sweep(world.app)
  expect(await get(world, id)).toMatchObject({ state: 'running', crashes: 0 })
  const [row] = await world.sql`SELECT lease_until > now() + interval '50 seconds' AS again FROM jobs`
  expect(row).toEqual({ again: true })
})

// The second is what a sweep that comes once a minute finds, at most.
test.for([-2, -44])('a sweep that nobody held for %i s gives no lease away', async (secondsLeft, { world }) => {
  const [lost, ending] = [await running(world, 'w', -1), await running(world, 'w', 5)]
  await sweepIsHeld(world, secondsLeft)
  await sweep(world.app)
  expect(await get(world, lost)).toMatchObject({ state: 'queued', crashes: 1 })
  const [row] =
    await world.sql`SELECT lease_until < now() + interval '5 seconds' AS as_it_was FROM jobs WHERE id = ${ending}`
  expect(row).toEqual({ asItWas: true })
})

// A heartbeat comes each 20 s: two of them may have been within it, and the third comes when the lease is over.
test('an outage of 21 s that the sweep itself met ends no lease, whether its statements failed or got no answer', async ({
  world,
}) => {
  const { app, sql } = world
  await sweep(app)
  const [over, ending] = [await running(world, 'w', -1), await running(world, 'w', 5)]
  await sql`ALTER TABLE uncounted_parents RENAME TO away`
  await expect(sweep(app)).rejects.toThrow('uncounted_parents')
  world.advance(21)
  await sql`ALTER TABLE away RENAME TO uncounted_parents`
  await sweep(app)
  expect(await get(world, over)).toMatchObject({ state: 'running', crashes: 0 })
  const [row] =
    await sql`SELECT min(lease_until) > now() + interval '50 seconds' AS again FROM jobs WHERE state = 'running'`
  expect(row).toEqual({ again: true })
  await sql`UPDATE jobs SET lease_until = now() - interval '1 second' WHERE id = ${over}`
  let swept: Promise<void> | undefined
  await sql.begin(async (tx) => {
    await tx`LOCK TABLE uncounted_parents IN ACCESS EXCLUSIVE MODE`
    swept = sweep(app)
    await untilOneWaits(sql)
    world.advance(21)
  })
  await swept
  expect(await get(world, over)).toMatchObject({ state: 'running', crashes: 0 })
  // It counts once.
  await sql`UPDATE jobs SET lease_until = now() - interval '1 second' WHERE id = ${over}`
  world.advance(21)
  await sweep(app)
  expect(await get(world, over)).toMatchObject({ state: 'queued', crashes: 1 })
  expect(await get(world, ending)).toMatchObject({ state: 'running' })
})

test('leases after an outage are granted in the next pass if the first try fails', async ({ world }) => {
  const id = await running(world, 'w', -1)
  await sweepIsHeld(world, -3_600)
  await world.sql.unsafe(`
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not now'; END $$;
    CREATE TRIGGER refuse BEFORE UPDATE ON jobs FOR EACH ROW EXECUTE FUNCTION refuse()`)
  await expect(sweep(world.app)).rejects.toThrow('not now')
  await world.sql`DROP TRIGGER refuse ON jobs`
  await sweep(world.app)
  expect(await get(world, id)).toMatchObject({ state: 'running', crashes: 0 })
})

test('a lease that runs out while its worker waits to renew it, as for an index to be created, is not lost', async ({
  world,
}) => {
  const id = await running(world, 'w', -1)
  let renewing: Promise<string[]> | undefined
  await world.sql.begin(async (tx) => {
    await tx`LOCK TABLE jobs IN SHARE MODE`
    renewing = leases.extend(world.sql, { ids: [id], stints: [1] }, 60)
    await untilOneWaits(world.sql)
    await sweep(world.app)
  })
  expect(await renewing).toEqual([id])
  await sweep(world.app)
  expect(await get(world, id)).toMatchObject({ state: 'running', crashes: 0 })
})

test('the leases of processes that are known to be dead end at once, outage or not', async ({ world }) => {
  const dead = await running(world, 'dead', 60)
  const alive = await running(world, 'alive', 60)
  await endLeasesExcept(world.app, ['alive'])
  expect((await get(world, dead))?.state).toBe('queued')
  expect((await get(world, alive))?.state).toBe('running')
})

test('lost doorbells are rung again, as few as the startable jobs need, ten at most, and none while SQS has one', async ({
  world,
}) => {
  const wanted = [['default', 1_200] as const, ['compute', 12] as const]
  await insertJobs(
    world.app,
    wanted.flatMap(([queue, length]) => Array.from({ length }, () => ({ queue }))),
  )
  await world.sql`UPDATE jobs SET start_at = now() - interval '3 seconds'`
  await sweep(world.app)
  await sweep(world.app)
  expect([await world.app.queue.visible('default'), await world.app.queue.visible('compute')]).toEqual([3, 10])
})

test('if ringing changes nothing, its pauses grow to a minute, until there is something new', async ({ world }) => {
  await insertJobs(world.app, [{ kind: 'gone.kind' }, { kind: 'gone.kind' }])
  await world.sql`UPDATE jobs SET start_at = now() - interval '3 seconds'`
  let at = Date.now()
  const app = { ...world.app, clock: { now: () => at } }
  const rung = async (seconds: number): Promise<number> => {
    let rings = 0
    for (let second = 0; second < seconds; second++) {
      at += 1_000
      await sweep(app)
      const messages = await world.app.queue.receive('default', { max: 10, waitSeconds: 0 })
      const handles = messages.map(({ receiptHandle }) => receiptHandle)
      await world.app.queue.delete('default', handles)
      rings += messages.length
    }
    return rings
  }
  expect(await rung(64)).toBe(7)
  expect(await rung(120)).toBe(2)
  await insertJobs(world.app, [{}])
  await world.sql`UPDATE jobs SET start_at = now() - interval '3 seconds'`
  expect(await rung(2)).toBe(2)
})

test('lost doorbells are rung again although the clock was put back', async ({ world }) => {
  await insertJobs(world.app, [{}])
  await world.sql`UPDATE jobs SET start_at = now() - interval '3 seconds'`
  for (const seconds of [0, 2, -600]) {
    world.advance(seconds)
    await sweep(world.app)
    const messages = await world.app.queue.receive('default', { max: 10, waitSeconds: 0 })
    expect(messages).toHaveLength(1)
    await world.app.queue.delete(
      'default',
      messages.map(({ receiptHandle }) => receiptHandle),
    )
  }
})

test('it does not ring for delayed jobs, nor for a paused queue', async ({ world }) => {
  await insertJobs(world.app, [{ delaySeconds: 60 }, { queue: 'bulk' }])
  await world.sql`UPDATE jobs SET start_at = now() - interval '3 seconds' WHERE queue = 'bulk'`
  await world.sql`UPDATE queues SET paused_at = now() WHERE name = 'bulk'`
  await sweep(world.app)
  expect([await world.app.queue.visible('default'), await world.app.queue.visible('bulk')]).toEqual([0, 0])
})

/** 1 100 jobs whose lease ran out. */
const loseMany = async ({ app, sql }: World): Promise<void> => {
  await insertJobs(
    app,
    Array.from({ length: 1_100 }, () => ({})),
  )
  await sql`
    UPDATE jobs SET state = 'running', stint = 1, worker = 'w', stint_started_at = now(),
      lease_until = now() - interval '1 second'`
}

const countOf = async ({ sql }: World, state: string): Promise<number> => {
  const [row] = await sql<[{ jobs: number }]>`SELECT count(*)::integer AS jobs FROM jobs WHERE state = ${state}`
  return row.jobs
}

test('the more projects have jobs that wait, the longer it rests between two looks at them', async ({ world }) => {
  await world.sql`
    INSERT INTO jobs (id, project_id, timeout_seconds, max_attempts, state, kind, queue, input, start_at)
    SELECT gen_random_uuid(), gen_random_uuid(), 1, 1, 'queued', 'test.echo', 'bulk', '{}', now() + interval '1 hour'
    FROM generate_series(1, 70000)`
  let at = Date.now()
  const app = { ...world.app, clock: { now: () => at } }
  await sweep(app)
  await insertJobs(world.app, [{}])
  await world.sql`UPDATE jobs SET start_at = now() - interval '3 seconds' WHERE queue = 'default'`
  at += 1_000
  await sweep(app)
  expect(await world.app.queue.visible('default')).toBe(0)
  at += 9_000
  await sweep(app)
  expect(await world.app.queue.visible('default')).toBe(1)
})

test('many lost leases are settled in batches, as many in one pass as there is time for', async ({ world }) => {
  await loseMany(world)
  // No time goes by.
  await sweep({ ...world.app, clock: { now: () => 0 } })
  expect(await countOf(world, 'queued')).toBe(1_100)
})

test('a pass that is busy with lost leases still rings, and the next one goes on with them', async ({ world }) => {
  await loseMany(world)
  await insertJobs(world.app, [{ queue: 'bulk' }])
  await world.sql`UPDATE jobs SET start_at = now() - interval '3 seconds' WHERE queue = 'bulk'`
  let at = Date.now()
  const slow = { ...world.app, clock: { now: () => (at += 2_000) } }
  await sweep(slow)
  expect(await countOf(world, 'running')).toBe(600)
  expect(await world.app.queue.visible('bulk')).toBe(1)
  await sweep(slow)
  expect(await countOf(world, 'running')).toBe(100)
})

test('doorbells are rung although lost leases cannot be ended', async ({ world }) => {
  await running(world, 'w', -1)
  await insertJobs(world.app, [{}])
  await world.sql`UPDATE jobs SET start_at = now() - interval '3 seconds' WHERE state = 'queued'`
  await world.sql`ALTER TABLE stints RENAME TO elsewhere`
  await expect(sweep(world.app)).rejects.toThrow('stints')
  expect(await world.app.queue.visible('default')).toBe(1)
})

test('a job whose delay was too long for SQS is rung for once, when it falls due', async ({ world }) => {
  await insertJobs(world.app, [{ delaySeconds: 3_600 }, { delaySeconds: 60 }])
  await sweep(world.app)
  expect(await world.app.queue.visible('default')).toBe(0)
  await world.sql`UPDATE jobs SET start_at = now(), queued_at = queued_at - (start_at - now())`
  await sweep(world.app)
  await sweep(world.app)
  expect(await world.app.queue.visible('default')).toBe(1)
  const [message] = await world.app.queue.receive('default', { max: 10, waitSeconds: 0 })
  expect(JSON.parse(message?.body ?? '')).toMatchObject({ n: 1 })
})

test('however many jobs fall due at once, two hundred doorbells are rung for a queue', async ({ world }) => {
  await sweep(world.app)
  await insertJobs(
    world.app,
    Array.from({ length: 250 }, () => ({ queue: 'compute', delaySeconds: 3_600 })),
  )
  await world.sql`UPDATE jobs SET queued_at = queued_at - interval '1 hour', start_at = now()`
  await sweep(world.app)
  expect(await world.app.queue.visible('compute')).toBe(200)
})

test('a lease that was lost a month ago is settled, and a child that is due in a year comes free', async ({
  world,
}) => {
  const [parent = ''] = await insertJobs(world.app, [{ hasChildren: true, maxAttempts: 1, timeoutSeconds: 2_000_000 }])
  const [child = ''] = await insertJobs(world.app, [
    { waitsFor: 1, hasParents: true, delaySeconds: 31_000_000, onParentFailure: 'run' },
  ])
  await world.sql`INSERT INTO job_dependencies (child_id, parent_id) VALUES (${child}, ${parent})`
  await world.sql`
    UPDATE jobs SET state = 'running', stint = 1, worker = 'w', lease_until = now() - interval '30 days',
      stint_started_at = now() - interval '60 days'
    WHERE id = ${parent}`
  await sweep(world.app)
  expect(await get(world, parent)).toMatchObject({ state: 'failed', error: { code: 'TIMEOUT' } })
  expect(await get(world, child)).toMatchObject({ state: 'queued' })
})
