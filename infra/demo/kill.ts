import { setTimeout as sleep } from 'node:timers/promises'
import { percent } from '../cli/print.ts'
import type { Stack } from '../local/stack.ts'
import { type Job, jobsOf, type Person, stintsOf } from './person.ts'
import { processOf, type Story } from './story.ts'
import { digitsOf } from './watch.ts'

const POLL_MS = 50
const WELL_UNDER_WAY = 0.3

/** The state of things when the worker was killed. */
export interface Killed {
  stint: number
  /** What was saved before the kill, and the next stint began with. */
  progress: number
  digits: string
}

class NothingKilledError extends Error {
  override readonly name = 'NothingKilledError'
}

interface Given {
  ada: Person
  jobId: string
  stack: Stack
  story: Story
  signal: AbortSignal
}

/**
 * Kills the process that computes, with SIGKILL, once the job has gone on past the end of a function and has saved a safe
 * point since; and sees another process go on from there.
 */
export const killItsWorker = async (given: Given): Promise<Killed> => {
  const { ada, jobId, story } = given
  for (;;) {
    const { stint } = await untilSavedInLaterStint(given)
    const { progress, partial, result } = (await ada.client.call('GET /jobs/{jobId}', { params: { jobId } })).job
    const victim = await findProcess(given, stint)
    if (!victim) continue
    process.kill(victim.pid, 'SIGKILL')
    const killedAt = performance.now()
    const digits = digitsOf(partial, result)
    const where = `in stint ${stint}; ${percent(progress)} saved`
    story.tell('kill', victim.name, `SIGKILL to process ${victim.pid} ${where}`)

    const after = await untilJob(given, (job) => job.stint > stint && job.state !== 'queued')
    const seconds = ((performance.now() - killedAt) / 1_000).toFixed(1)
    const outcome = (await stintsOf(ada, jobId)).find((it) => it.stint === stint)?.outcome
    story.tell(
      'demo',
      'resumed',
      `${seconds} s after the kill stint ${after.stint} goes on, at ${percent(after.progress)}`,
    )
    if (outcome === 'crashed') return { stint, progress, digits }
    // Its stint had ended just before.
  }
}

/** Resolves when the job is well under way, and a stint that isn't its first has saved something of its own. */
const untilSavedInLaterStint = (given: Given): Promise<Job> => {
  const begun = new Map<number, number>()
  return untilJob(given, ({ state, stint, progress }) => {
    const atBegin = begun.get(stint) ?? progress
    begun.set(stint, atBegin)
    return state === 'running' && stint >= 2 && progress > Math.max(atBegin, WELL_UNDER_WAY)
  })
}

const untilJob = async ({ ada, jobId, signal }: Given, fits: (job: Job) => boolean): Promise<Job> => {
  for (;;) {
    const job = (await jobsOf(ada)).find(({ id }) => id === jobId)
    if (job && fits(job)) return job
    if (job?.finishedAt) throw new NothingKilledError('the job ended before its worker was killed')
    await sleep(POLL_MS, undefined, { signal })
  }
}

/** The process that runs the stint, from run.json; undefined when the stint has just ended. */
const findProcess = async ({ ada, jobId, stack }: Given, stint: number) => {
  const running = (await stintsOf(ada, jobId)).at(-1)
  if (running?.stint !== stint || running.outcome !== null || running.worker === null) return undefined
  const name = processOf(running.worker)
  return stack.run().find((it) => it.name === name)
}
