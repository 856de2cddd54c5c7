import { z } from 'zod'
import { defineJob, type JobKind, PermanentError, RetryLater, type SharedJobContext } from '../../lib/jobs/define.ts'
import type { Checkpoint, Journal, StintEntry } from './journal.ts'
import { type Actor, Died, type Traffic } from './traffic.ts'

/** What a job does, told by its input. */
const scriptSchema = z.object({
  /** Safe points that it passes, one a step. */
  points: z.int(),
  /** What its safe points carry: `durable` ones at every second step. */
  safePoints: z.enum(['progress', 'checkpoint', 'durable']),
  /** Writes the numbers 1 to `points`, one a step, each in a fenced transaction. */
  numbers: z.boolean(),
  /** Submits a job at each step, and that of the step before once more; and in the end one that runs after all of them. */
  submits: z.boolean(),
  /** Logs a line at each step. */
  logs: z.boolean(),
  /** Stops when its signal is aborted, and not only at the next safe point. */
  hears: z.boolean(),
  /** Throws at the step `at`, in the attempts (`later`: in the stints) up to `until`. */
  throws: z.object({ how: z.enum(['error', 'permanent', 'later']), at: z.int(), until: z.int() }).nullable(),
  /** Of the limited kind: what it is limited by. */
  key: z.string(),
})

export type Script = z.output<typeof scriptSchema>

export const LIMITS = { running: 3, runningPerKey: 2 }

/** What a kind that shares its process with nobody of its kind may run at once. */
const NARROW = 1

const declared = {
  summary: 'Does what its input says',
  input: scriptSchema,
  output: z.object({ points: z.int(), stint: z.int() }),
  checkpoint: z.object({ at: z.int(), by: z.int() }),
  backoff: { baseSeconds: 2, capSeconds: 60 },
}

/** The kinds as one process runs them: every step waits for its turn. */
export const scriptedKinds = (actor: Actor, traffic: Traffic, journal: Journal): JobKind[] => {
  const run = (context: Context) => follow(context, actor, traffic, journal)
  return [
    defineJob({ ...declared, kind: 'scripted.plain', run }),
    defineJob({ ...declared, kind: 'scripted.narrow', concurrency: NARROW, run }),
    defineJob({ ...declared, kind: 'scripted.limited', limits: { ...LIMITS, concurrencyKey: ({ key }) => key }, run }),
  ]
}

type Context = SharedJobContext<Script, Checkpoint>

async function* follow(context: Context, actor: Actor, traffic: Traffic, journal: Journal) {
  const { job, input, checkpoint, parents } = context
  const entry = journal.begin({
    jobId: job.id,
    stint: job.stint,
    attempt: job.attempt,
    process: actor.name,
    from: checkpoint,
    parents: parents.map(({ jobId, state, result }) => ({ jobId, state, result })),
  })
  try {
    for (let at = checkpoint?.at ?? 0; at < input.points; at++) {
      await step(context, actor, traffic, `step ${at + 1} of ${nameOf(context)}`)
      throwIfTold(context, at)
      if (input.numbers) await writeNumber(context, at + 1)
      if (input.submits) await submitParts(context, at === 0 ? [1] : [at, at + 1])
      if (input.logs) log(context, entry, `stint ${job.stint}, step ${at + 1}`)
      const durable = input.safePoints === 'durable' && at % 2 === 1
      if (input.safePoints !== 'progress') entry.checkpointed = at + 1
      if (input.safePoints !== 'progress' && !context.signal.aborted) entry.undisturbed = at + 1
      yield {
        progress: (at + 1) / input.points,
        partial: { at: at + 1 },
        ...(input.safePoints !== 'progress' && { checkpoint: { at: at + 1, by: job.stint } }),
        ...(durable && { durable }),
      }
      if (durable) entry.durable = at + 1
    }
    await step(context, actor, traffic, `the end of ${nameOf(context)}`)
    throwIfTold(context, input.points)
    if (input.submits) await submitAll(context)
    entry.ending = 'returned'
    return { points: input.points, stint: job.stint }
  } catch (error) {
    if (error instanceof Died) throw error
    entry.ending = 'threw'
    entry.code = error instanceof PermanentError ? error.code : (error as Error).name
    throw error
  } finally {
    if (entry.ending === 'runs') entry.ending = 'stopped'
    entry.aborted = context.signal.aborted
  }
}

/** Waits for the job's turn, and not longer than until its signal aborts if it hears. */
const step = async ({ input, signal }: Context, actor: Actor, traffic: Traffic, what: string): Promise<void> => {
  const turn = traffic.turn(actor, what)
  if (!input.hears) return turn
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  turn.catch(() => {})
  try {
    await Promise.race([turn, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

const throwIfTold = ({ input, job }: Context, at: number): void => {
  const { throws } = input
  if (throws?.at !== at) return
  if (throws.how === 'later' && job.stint <= throws.until) throw new RetryLater(5)
  if (throws.how === 'error' && job.attempt <= throws.until) throw new Error('as its script says')
  if (throws.how === 'permanent' && job.attempt <= throws.until)
    throw new PermanentError('AS_TOLD', 'as its script says')
}

/**
 * Writes a number that isn't there yet, in the way of a job that trusts its fence: it looks, and writes what comes next.
 * `held` is what the fence promises.
 */
const writeNumber = ({ fenced, job }: Context, number: number): Promise<void> =>
  fenced(async (tx) => {
    const [row] = await tx<{ last: number }[]>`
      SELECT coalesce(max(number), 0)::integer AS last FROM numbers WHERE job_id = ${job.id}`
    if (!row || row.last >= number) return
    await tx`
      INSERT INTO numbers (job_id, stint, number, held)
      SELECT id, ${job.stint}, ${row.last + 1}, stint = ${job.stint} AND state = 'running' FROM jobs WHERE id = ${job.id}`
  })

/** What a job submits for a step, and in the end, by the key. */
export const partKey = (number: number): string => `part ${number}`
export const ALL_KEY = 'all'

/** What the jobs of schedules are named, and how far apart these are. */
export const SCHEDULED = 'scheduled'
export const TICK_SECONDS = 30

export const PLAIN: Script = {
  ...{ points: 1, safePoints: 'checkpoint', numbers: false, submits: false, logs: false, hears: false },
  ...{ throws: null, key: 'a' },
}

const submitOne = ({ submit, job }: Context, key: string, after: string[] = []): Promise<string> =>
  submit(key, { kind: 'scripted.plain', input: PLAIN, name: key, tags: [stintTag(job.stint)], after })

/** By it can be told which stint submitted a job. */
export const stintTag = (stint: number): string => `stint:${stint}`

const submitParts = (context: Context, numbers: number[]): Promise<string[]> =>
  Promise.all(numbers.map((number) => submitOne(context, partKey(number))))

const submitAll = async (context: Context): Promise<void> => {
  const numbers = Array.from({ length: context.input.points }, (_, index) => index + 1)
  await submitOne(context, ALL_KEY, await submitParts(context, numbers))
}

const log = ({ log }: Context, entry: StintEntry, line: string): void => {
  entry.lines.push(line)
  log.info(line)
}

const nameOf = ({ job }: Context): string => `job ${job.id.slice(-4)}, stint ${job.stint}`
