import { describe, expect } from 'vitest'
import * as schedules from '../../db/queries/schedules.ts'
import { echo, PROJECT, testKinds } from '../../tests/support/engine.ts'
import { test, type World } from '../../tests/support/world.ts'
import { newId } from '../core/ids.ts'
import { defineJob } from './define.ts'
import { runDueSchedules } from './schedule.ts'
import { sweep } from './sweep.ts'

/** A schedule that ticks at this second of each hour, and whose next tick lies this many hours back. */
const makeSchedule = async (
  { sql }: World,
  { hoursAgo = 0, ...given }: Partial<schedules.NewSchedule> & { hoursAgo?: number } = {},
): Promise<{ id: string; first: number }> => {
  await sql`INSERT INTO projects (id, name) VALUES (${PROJECT}, 'Scheduled') ON CONFLICT DO NOTHING`
  const tick = await thisSecond(sql, hoursAgo)
  const { id } = await schedules.insert(sql, {
    id: newId(),
    projectId: PROJECT,
    createdBy: null,
    name: 'tick',
    cron: `${tick.getUTCSeconds()} ${tick.getUTCMinutes()} * * * *`,
    timeZone: 'UTC',
    kind: 'test.echo',
    input: { value: 7 },
    priority: 3,
    tags: ['a', 'b'],
    maxAttempts: null,
    timeoutSeconds: 60,
    expiresInSeconds: null,
    catchUp: 'one',
    nextAt: tick,
    ...given,
  })
  return { id, first: tick.getTime() }
}

/** The second that the database's clock shows, this many hours ago. */
const thisSecond = async (sql: World['sql'], hoursAgo = 0): Promise<Date> => {
  const [row] = await sql<[{ at: Date }]>`SELECT date_trunc('second', now()) - ${hoursAgo} * interval '1 hour' AS at`
  return row.at
}

const HOUR_MS = 3_600_000

const pass = ({ app }: World, kinds = testKinds) => runDueSchedules(app, kinds)

/** One whose time is never over, however slow the machine is. */
const passWithoutEnd = async ({ app }: World) => {
  const now = app.clock.now()
  await runDueSchedules({ ...app, clock: { now: () => now } }, testKinds)
}

/** In milliseconds. */
const ticksOf = async ({ sql }: World, scheduleId: string): Promise<number[]> => {
  const rows = await sql<{ tick: Date }[]>`
    SELECT tick FROM schedule_ticks WHERE schedule_id = ${scheduleId} ORDER BY tick`
  return rows.map((row) => row.tick.getTime())
}

const jobCount = async ({ sql }: World): Promise<number> => {
  const [row] = await sql<[{ count: number }]>`SELECT count(*)::integer AS count FROM jobs`
  return row.count
}

test('a tick that has come becomes a job as the schedule says, and rings for it', async ({ world }) => {
  const { id } = await makeSchedule(world)
  await pass(world)
  const [tick, ...others] = await world.sql`SELECT schedule_id, job_id FROM schedule_ticks`
  expect([tick?.['scheduleId'], others]).toEqual([id, []])
  const [job] = await world.sql`SELECT * FROM jobs`
  expect(job).toMatchObject({
    id: tick?.['jobId'],
    projectId: PROJECT,
    kind: 'test.echo',
    queue: 'default',
    name: 'tick',
    state: 'queued',
    input: { value: 7 },
    priority: 3,
    tags: ['a', 'b'],
    maxAttempts: echo.maxAttempts,
    timeoutSeconds: 60,
  })
  const events = await world.sql`SELECT type, seq FROM events WHERE job_id = ${job?.['id']}`
  expect([...events]).toEqual([{ type: 'job.queued', seq: 1 }])
  expect(await world.app.queue.visible('default')).toBe(1)
})

test('moves strictly past the tick, and a second pass makes nothing', async ({ world }) => {
  const { id, first } = await makeSchedule(world)
  await pass(world)
  const [after] = await world.sql<[{ nextAt: Date; lastAt: Date; late: boolean }]>`
    SELECT next_at, last_at, next_at <= now() AS late FROM schedules WHERE id = ${id}`
  expect(after.late).toBe(false)
  expect(after.lastAt.getTime()).toBe(first)
  await pass(world)
  expect(await jobCount(world)).toBe(1)
})

test('two processes at the same moment make one job of a tick', async ({ world }) => {
  const made = await Promise.all(Array.from({ length: 30 }, () => makeSchedule(world)))
  const other = await world.anotherApp()
  // Each believes that it holds the lease.
  await Promise.all([
    runDueSchedules({ ...world.app, instance: 'the same' }, testKinds),
    runDueSchedules({ ...other, instance: 'the same' }, testKinds),
  ])
  expect(await jobCount(world)).toBe(30)
  const ticks = await Promise.all(made.map(({ id }) => ticksOf(world, id)))
  expect(ticks).toEqual(made.map(({ first }) => [first]))
})

test('a schedule that somebody is changing is left to the next pass', async ({ world }) => {
  const { id } = await makeSchedule(world)
  await world.sql.begin(async (tx) => {
    await schedules.lock(tx, id)
    await pass(world)
  })
  expect(await jobCount(world)).toBe(0)
  await pass(world)
  expect(await jobCount(world)).toBe(1)
})

test('a tick that was made is not made again when the clock goes back', async ({ world }) => {
  const { id } = await makeSchedule(world)
  await pass(world)
  await world.sql`UPDATE schedules SET next_at = last_at WHERE id = ${id}`
  await pass(world)
  expect(await jobCount(world)).toBe(1)
})

describe('after ten hours without a pass', () => {
  test('`skip` drops what was missed and makes the job of the tick that has just come', async ({ world }) => {
    const { id, first } = await makeSchedule(world, { hoursAgo: 10, catchUp: 'skip' })
    await pass(world)
    expect(await ticksOf(world, id)).toEqual([first + 10 * HOUR_MS])
    expect(await jobCount(world)).toBe(1)
  })

  test('`skip` makes none when the latest tick was missed too', async ({ world }) => {
    const tick = await thisSecond(world.sql, 10)
    const cron = `0 ${tick.getUTCHours()} * * *`
    tick.setUTCMinutes(0, 0, 0)
    const { id } = await makeSchedule(world, { cron, nextAt: tick, catchUp: 'skip' })
    await pass(world)
    expect(await jobCount(world)).toBe(0)
    const [row] = await world.sql`SELECT next_at > now() AS ahead, last_at FROM schedules WHERE id = ${id}`
    expect(row).toEqual({ ahead: true, lastAt: null })
  })

  test('`skip` makes none either when that was over a minute ago', async ({ world }) => {
    const tick = new Date((await thisSecond(world.sql, 0)).getTime() - 90_000)
    const cron = `${tick.getUTCSeconds()} ${tick.getUTCMinutes()} ${tick.getUTCHours()} * * *`
    await makeSchedule(world, { cron, nextAt: tick, catchUp: 'skip' })
    await world.sql`UPDATE schedules SET last_at = next_at - interval '1 day'`
    await pass(world)
    expect(await jobCount(world)).toBe(0)
    const [row] = await world.sql`SELECT last_at = ${tick}::timestamptz - interval '1 day' AS kept FROM schedules`
    expect(row).toEqual({ kept: true })
  })

  test('`one` makes one job for all, that of the latest tick', async ({ world }) => {
    const { id, first } = await makeSchedule(world, { hoursAgo: 10, catchUp: 'one' })
    await pass(world)
    expect(await ticksOf(world, id)).toEqual([first + 10 * HOUR_MS])
    expect(await jobCount(world)).toBe(1)
  })

  test('`all` makes a job for each', async ({ world }) => {
    const { id, first } = await makeSchedule(world, { hoursAgo: 10, catchUp: 'all' })
    await pass(world)
    expect(await ticksOf(world, id)).toEqual(Array.from({ length: 11 }, (_, n) => first + n * HOUR_MS))
    expect(await jobCount(world)).toBe(11)
  })
})

test('a job expires so long after its tick, also one that is made later to make up for it', async ({ world }) => {
  const { first } = await makeSchedule(world, { hoursAgo: 2, catchUp: 'all', expiresInSeconds: 5_400 })
  await pass(world)
  await sweep(world.app)
  const made = await world.sql<{ state: string; expiresAt: Date; code: string | null }[]>`
    SELECT state, expires_at, error->>'code' AS code FROM schedule_ticks JOIN jobs ON jobs.id = job_id ORDER BY tick`
  expect(made.map((it) => [it.state, it.code, it.expiresAt.getTime() - first])).toEqual([
    ['cancelled', 'EXPIRED', 1.5 * HOUR_MS],
    ['queued', null, 2.5 * HOUR_MS],
    ['queued', null, 3.5 * HOUR_MS],
  ])
})

test('`all` makes up for a hundred ticks in a pass, and for the others in the next ones', async ({ world }) => {
  const { id, first } = await makeSchedule(world, { hoursAgo: 149, catchUp: 'all' })
  await pass(world)
  expect(await jobCount(world)).toBe(100)
  await pass(world)
  expect(await jobCount(world)).toBe(150)
  expect(await ticksOf(world, id)).toEqual(Array.from({ length: 150 }, (_, n) => first + n * HOUR_MS))
})

test('a schedule whose kind is gone or takes another input says so, goes on ticking, and stops no other', async ({
  world,
}) => {
  const { id: gone } = await makeSchedule(world, { kind: 'test.gone' })
  const { id: misfit } = await makeSchedule(world, { kind: 'test.count', input: { to: 'x' } })
  const { id: sound } = await makeSchedule(world)
  await pass(world)
  expect(await jobCount(world)).toBe(1)
  const rows = await world.sql`SELECT id, error->>'code' AS code, next_at > now() AS ahead FROM schedules ORDER BY id`
  expect([...rows]).toEqual([
    { id: gone, code: 'UNKNOWN_KIND', ahead: true },
    { id: misfit, code: 'VALIDATION_FAILED', ahead: true },
    { id: sound, code: null, ahead: true },
  ])
  await world.sql`UPDATE schedules SET next_at = next_at - interval '1 hour' WHERE id = ${gone}`
  const back = defineJob({ ...echo, kind: 'test.gone' } as Parameters<typeof defineJob>[0])
  await pass(world, [...testKinds, back])
  const [row] = await world.sql`SELECT error FROM schedules WHERE id = ${gone}`
  expect(row).toEqual({ error: null })
  expect(await jobCount(world)).toBe(2)
})

describe('when the kind is back that a deploy took away for ten hours', () => {
  const gone = { kind: 'test.gone', hoursAgo: 9 }
  const back = [...testKinds, defineJob({ ...echo, kind: 'test.gone' } as Parameters<typeof defineJob>[0])]
  /** As if a minute had gone by. */
  const nextTry = ({ sql }: World) => sql`UPDATE schedules SET next_at = now()`

  test.for<[schedules.CatchUp, missed: number[]]>([
    ['all', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]],
    ['one', [9]],
    ['skip', []],
  ])('`%s` makes up for what was missed within a minute, as after an outage', async ([catchUp, missed], { world }) => {
    const { id, first } = await makeSchedule(world, { ...gone, catchUp })
    for (let tries = 0; tries < 3; tries++) {
      await pass(world)
      const [row] = await world.sql`
        SELECT error->>'code' AS code, next_at > now() AS ahead, next_at <= now() + interval '1 minute' AS soon
        FROM schedules`
      expect(row).toEqual({ code: 'UNKNOWN_KIND', ahead: true, soon: catchUp !== 'skip' })
      if (catchUp !== 'skip') await nextTry(world)
    }
    await pass(world, back)
    expect(await ticksOf(world, id)).toEqual(missed.map((hours) => first + hours * HOUR_MS))
    expect(await jobCount(world)).toBe(missed.length)
    const [row] = await world.sql`SELECT next_at, missed_at FROM schedules`
    expect(row).toEqual({ nextAt: new Date(first + 10 * HOUR_MS), missedAt: null })
  })

  test('a hundred a pass, if more were missed', async ({ world }) => {
    const { id, first } = await makeSchedule(world, { ...gone, hoursAgo: 149, catchUp: 'all' })
    await pass(world)
    await nextTry(world)
    await pass(world, back)
    await pass(world, back)
    expect(await ticksOf(world, id)).toEqual(Array.from({ length: 150 }, (_, n) => first + n * HOUR_MS))
  })
})

test('a schedule whose kind throws where its job is made says so, goes on ticking, and stops no other', async ({
  world,
}) => {
  const broken = defineJob({
    ...(echo as Parameters<typeof defineJob>[0]),
    kind: 'test.broken',
    limits: {
      concurrencyKey: () => {
        throw new TypeError('no such key')
      },
    },
  })
  const { id: faulty } = await makeSchedule(world, { kind: 'test.broken' })
  const { id: sound } = await makeSchedule(world)
  await pass(world, [...testKinds, broken])
  const rows = await world.sql`SELECT id, error, next_at > now() AS ahead FROM schedules ORDER BY id`
  expect([...rows]).toEqual([
    { id: faulty, error: { code: 'INTERNAL', message: 'Something went wrong on our side' }, ahead: true },
    { id: sound, error: null, ahead: true },
  ])
  expect(await jobCount(world)).toBe(1)
  expect(world.logged.join('')).toContain('no such key')
})

test('a schedule whose job the database refuses says so, goes on ticking, and stops no other', async ({ world }) => {
  const refused = defineJob({
    ...(echo as Parameters<typeof defineJob>[0]),
    kind: 'test.refused',
    limits: { concurrencyKey: () => 'NUL: \0' },
  })
  await makeSchedule(world)
  const { id: faulty } = await makeSchedule(world, { kind: 'test.refused' })
  await Promise.all(Array.from({ length: 25 }, () => makeSchedule(world)))
  await pass(world, [...testKinds, refused])
  const ill = await world.sql`SELECT id, error->>'code' AS code FROM schedules WHERE error IS NOT NULL`
  expect([...ill]).toEqual([{ id: faulty, code: 'INTERNAL' }])
  expect(await world.sql`SELECT FROM schedules WHERE next_at <= now()`).toHaveLength(0)
  expect(await jobCount(world)).toBe(26)
  expect(await ticksOf(world, faulty)).toEqual([])
})

test('paused schedules, and those of deleted projects, make nothing', async ({ world }) => {
  const { id: paused } = await makeSchedule(world)
  await world.sql`UPDATE schedules SET next_at = NULL, paused_at = now() WHERE id = ${paused}`
  await pass(world)
  const { id: abandoned } = await makeSchedule(world)
  await world.sql`UPDATE projects SET deleted_at = now()`
  await pass(world)
  expect(await jobCount(world)).toBe(0)
  const [row] = await world.sql`SELECT next_at FROM schedules WHERE id = ${abandoned}`
  expect(row).toEqual({ nextAt: null })
})

test('schedules with large inputs and many ticks go in more transactions than one', async ({ world }) => {
  for (let nth = 0; nth < 3; nth++) {
    await makeSchedule(world, { input: { value: 'x'.repeat(250_000) }, hoursAgo: 49, catchUp: 'all' })
  }
  await passWithoutEnd(world)
  const transactions = await world.sql`SELECT count(*)::integer AS jobs FROM jobs GROUP BY xmin::text`
  expect(transactions.map((it) => it['jobs'])).toEqual([50, 50, 50])
})

test('a pass ends in time for the sweep, and the next one goes on behind it', async ({ world }) => {
  await Promise.all(Array.from({ length: 225 }, () => makeSchedule(world)))
  let now = Date.now()
  const app = { ...world.app, clock: { now: () => (now += 6_000) } }
  const ran = async () => {
    await runDueSchedules(app, testKinds)
    const [row] = await world.sql<[{ schedules: number }]>`
      SELECT count(DISTINCT schedule_id)::integer AS schedules FROM schedule_ticks`
    return row.schedules
  }
  expect(await ran()).toBe(100)
  await world.sql`UPDATE schedules SET next_at = last_at WHERE last_at IS NOT NULL`
  expect(await ran()).toBe(200)
  expect(await ran()).toBe(225)
})

test('a pass ends before its function does', async ({ world }) => {
  await Promise.all(Array.from({ length: 105 }, () => makeSchedule(world)))
  let now = Date.now()
  const app = { ...world.app, clock: { now: () => (now += 1_500) } }
  await runDueSchedules(app, testKinds, () => 2_000)
  expect(await jobCount(world)).toBe(100)
})

test('more schedules than fit into one transaction all run in one pass', async ({ world }) => {
  await Promise.all(Array.from({ length: 105 }, () => makeSchedule(world)))
  await passWithoutEnd(world)
  expect(await jobCount(world)).toBe(105)
})

test('schedules with many ticks go in more transactions than one', async ({ world }) => {
  await Promise.all(Array.from({ length: 22 }, () => makeSchedule(world, { hoursAgo: 99, catchUp: 'all' })))
  await passWithoutEnd(world)
  const transactions = await world.sql`SELECT count(*)::integer AS jobs FROM jobs GROUP BY xmin::text ORDER BY jobs`
  expect(transactions.map((it) => it['jobs'])).toEqual([200, 2_000])
})

test('only the process that holds their lease looks for them', async ({ world }) => {
  await makeSchedule(world)
  await world.sql`INSERT INTO runners (name, holder, lease_until) VALUES ('schedules', 'another', now() + interval '1 minute')`
  await pass(world)
  expect(await jobCount(world)).toBe(0)
})
