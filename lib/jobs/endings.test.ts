import { expect } from 'vitest'
import { isUnreachable } from '../../db/client.ts'
import * as dependencies from '../../db/queries/dependencies.ts'
import type { Outcome } from '../../db/queries/outcomes.ts'
import { mulberry32 } from '../../infra/local/chaos/random.ts'
import { loseReplies } from '../../infra/local/chaos/replies.ts'
import { echo, insertJobs, PROJECT } from '../../tests/support/engine.ts'
import { test, type World } from '../../tests/support/world.ts'
import type { App } from '../app.ts'
import { createFinisher } from './finisher.ts'
import { prepare } from './prepare.ts'
import { hasEnded } from './states.ts'
import { submit } from './submit.ts'
import { endLostLeases } from './sweep.ts'

const ENDINGS = ['returned', 'threw', 'refused', 'postponed', 'yielded', 'lost'] as const
const EITHER = [false, true]

/** How a stint ends, and what is so by then. */
interface Case {
  ending: Outcome['ending']
  cancelled: boolean
  timeUp: boolean
  attemptsLeft: boolean
  /** It lost two leases in a row without progress. */
  suspect: boolean
  hasChild: boolean
  limited: boolean
}

/** All that can come together. Each has a unique key. */
const CASES: Case[] = ENDINGS.flatMap((ending) =>
  EITHER.flatMap((cancelled) =>
    EITHER.flatMap((timeUp) =>
      EITHER.flatMap((attemptsLeft) =>
        EITHER.flatMap((suspect) =>
          EITHER.flatMap((hasChild) =>
            EITHER.map((limited) => ({ ending, cancelled, timeUp, attemptsLeft, suspect, hasChild, limited })),
          ),
        ),
      ),
    ),
  ),
)

/** What becomes of the job: its state, its error's code, and what is told of it and of the stint. */
const fateOf = ({ ending, cancelled, timeUp, attemptsLeft, suspect }: Case) => {
  const stint = ending === 'lost' ? 'crashed' : undefined
  const ends = (state: string, code: string | null = null) => ({
    ...{ state, code, event: `job.${state}`, attempt: 1, stint: stint ?? state },
  })
  const goesOn = (event: string, outcome: string, attempt = 1, code: string | null = null) => ({
    ...{ state: 'queued', code, event, attempt, stint: stint ?? outcome },
  })
  if (ending === 'returned') return ends('succeeded')
  const own = ending === 'threw' || ending === 'refused' ? 'OWN' : null
  if (cancelled) return ends('cancelled', own)
  if (ending === 'refused') return ends('failed', own)
  if (timeUp) return ends('failed', 'TIMEOUT')
  if (ending === 'lost') return suspect ? ends('failed', 'CRASHED') : goesOn('job.continued', 'crashed')
  if (ending === 'yielded') return goesOn('job.continued', 'continued')
  if (ending === 'postponed') return goesOn('job.retried', 'postponed')
  return attemptsLeft ? goesOn('job.retried', 'retried', 2, own) : ends('failed', own)
}

const childOf = (parent: string): string => ({ succeeded: 'queued', queued: 'blocked' })[parent] ?? 'failed'

/** Jobs of all cases that run, each with what its worker, or the sweep, has to say of its stint. */
const run = async ({ app, sql }: World): Promise<{ ids: string[]; children: string[]; outcomes: Outcome[] }> => {
  const ids = await insertJobs(
    app,
    CASES.map(({ attemptsLeft, hasChild, limited }, nth) => ({
      maxAttempts: attemptsLeft ? 2 : 1,
      hasChildren: hasChild,
      concurrencyKey: limited ? 'one' : null,
      uniqueKey: `key ${nth}`,
      timeoutSeconds: 3_600,
    })),
  )
  const children = await insertJobs(
    app,
    ids.map(() => ({ hasParents: true, waitsFor: 1 })),
  )
  const edges = ids.map((parentId, nth) => ({ parentId, childId: children[nth] ?? '' }))
  await dependencies.insert(
    sql,
    edges.filter((_, nth) => CASES[nth]?.hasChild),
  )
  await sql`
    INSERT INTO unique_keys (project_id, key, job_id, until)
    SELECT project_id, unique_key, id, now() - interval '1 second' FROM jobs WHERE unique_key IS NOT NULL`
  await sql`
    UPDATE jobs SET state = 'running', stint = 1, worker = 'w', stint_started_at = now() - interval '1 minute',
      lease_until = now() + CASE WHEN lost THEN -1 ELSE 3600 END * interval '1 second',
      cancel_requested_at = CASE WHEN cancelled THEN now() END,
      run_ms = CASE WHEN time_up THEN 3600000 ELSE 0 END, crashes = CASE WHEN suspect THEN 2 ELSE 0 END
    FROM unnest(
      ${ids}::uuid[], ${CASES.map((it) => Number(it.ending === 'lost'))}::integer[]::boolean[],
      ${CASES.map((it) => Number(it.cancelled))}::integer[]::boolean[], ${CASES.map((it) => Number(it.timeUp))}::integer[]::boolean[],
      ${CASES.map((it) => Number(it.suspect))}::integer[]::boolean[]
    ) AS given (id, lost, cancelled, time_up, suspect)
    WHERE jobs.id = given.id`
  const outcomes = CASES.flatMap(({ ending }, nth): Outcome[] =>
    ending === 'lost'
      ? []
      : [
          {
            ...{ id: ids[nth] ?? '', stint: 1, ending, runMs: 5 },
            ...(ending === 'returned' && { result: '{"value":1}' }),
            ...((ending === 'threw' || ending === 'refused') && { error: { code: 'OWN', message: 'its own' } }),
          },
        ],
  )
  return { ids, children, outcomes }
}

/** The sweep's own way, pass after pass. */
const endLost = async (app: App): Promise<void> => {
  for (;;) {
    try {
      if ((await endLostLeases(app)) === 0) return
    } catch (error) {
      if (!isUnreachable(error)) throw error
    }
  }
}

const expectFates = async ({ app, sql }: World, { ids, children }: { ids: string[]; children: string[] }) => {
  const rows = await sql`
    SELECT jobs.id, jobs.state, jobs.error->>'code' AS code, jobs.attempt, type AS event, outcome AS stint, seq = event_seq AS told_all,
           seq = 2 AS told_once, (finished_at IS NOT NULL) AS finished, lease_until IS NULL AND jobs.worker IS NULL AS is_free
    FROM jobs JOIN stints ON stints.job_id = jobs.id JOIN events ON events.job_id = jobs.id AND seq = event_seq
    WHERE unique_key IS NOT NULL`
  const found = new Map(rows.map(({ id, ...row }) => [id, row]))
  const of = new Map((await sql`SELECT id, state FROM jobs`).map((row) => [row['id'], row['state']]))
  const again = await submit(
    app,
    CASES.map((_, nth) => prepare([echo], { kind: 'test.echo', input: { value: 1 }, uniqueKey: `key ${nth}` }, owner)),
  )
  for (const [nth, it] of CASES.entries()) {
    const fate = fateOf(it)
    const isOver = hasEnded(fate.state as 'queued')
    expect
      .soft(
        {
          ...found.get(ids[nth]),
          child: of.get(children[nth]),
          key: again[nth]?.outcome,
        },
        JSON.stringify(it),
      )
      .toEqual({
        ...fate,
        ...{ toldAll: true, toldOnce: true, finished: isOver, isFree: true },
        child: it.hasChild ? childOf(fate.state) : 'blocked',
        key: isOver ? 'made' : 'duplicate',
      })
  }
}

const owner = { projectId: PROJECT, createdBy: null }

test('a stint’s end does with its job what it should, whatever comes together', async ({ world }) => {
  const jobs = await run(world)
  const finisher = createFinisher(world.app, () => true)
  for (const outcome of jobs.outcomes) finisher.add(outcome)
  await Promise.all([finisher.idle(), endLost(world.app)])
  await expectFates(world, jobs)
})

test('the same when connections break before commits and after them', async ({ world }) => {
  const jobs = await run(world)
  const random = mulberry32(7)
  const app = { ...world.app, sql: loseReplies(world.app.sql, () => (random() < 0.4 ? 0 : 0.99)) }
  const finisher = createFinisher(app, () => true)
  for (const outcome of jobs.outcomes) finisher.add(outcome)
  await Promise.all([finisher.idle(), endLost(app)])
  await expectFates(world, jobs)
})
