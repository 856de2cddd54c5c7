import { setTimeout as sleep } from 'node:timers/promises'
import type { Bar } from './bars.ts'
import { type Job, jobsOf, type Person } from './person.ts'
import { grouped } from './submit.ts'

const POLL_MS = 200

class JobFailedError extends Error {
  override readonly name = 'JobFailedError'
}

/** Asks the API how the jobs are until all have succeeded. @throws {JobFailedError} when one ends otherwise */
export const watchUntilDone = async (
  ada: Person,
  names: ReadonlyMap<string, string>,
  signal: AbortSignal,
  show: (bars: Bar[]) => void,
): Promise<void> => {
  const known = new Map<string, { progress: number; text: string }>()
  for (;;) {
    const jobs = new Map((await jobsOf(ada)).map((job) => [job.id, job]))
    const bars: Bar[] = []
    for (const [id, name] of names) {
      const job = jobs.get(id)
      if (!job) throw new JobFailedError(`${name} is not in the list of jobs`)
      const last = known.get(id)
      // With its partial result a job is large: it is fetched when there is something new in it.
      const text = last?.progress === job.progress ? last.text : await knownOf(ada, job)
      known.set(id, { progress: job.progress, text })
      bars.push({ name, job, known: text })
    }
    show(bars)
    for (const { name, job } of bars) {
      if (job.state !== 'failed' && job.state !== 'cancelled') continue
      throw new JobFailedError(`${name} ${job.state}: ${job.error?.code} ${job.error?.message}`)
    }
    if (bars.every(({ job }) => job.state === 'succeeded')) return
    await sleep(POLL_MS, undefined, { signal })
  }
}

/** The job's result, or its partial result while it runs. */
const knownOf = async (ada: Person, { id, kind }: Job): Promise<string> => {
  const { partial, result } = (await ada.client.call('GET /jobs/{jobId}', { params: { jobId: id } })).job
  if (kind === 'math.pi') {
    const digits = digitsOf(partial, result)
    return digits ? `${grouped(digits.length - 2)} digits …${digits.slice(-10)}` : ''
  }
  if (kind === 'serials.generate') {
    const { stored } = (partial ?? {}) as { stored?: number }
    const { count } = (result ?? {}) as { count?: number }
    const n = count ?? stored
    return n === undefined ? '' : `${grouped(n)} stored`
  }
  const { images = [] } = (result ?? partial ?? {}) as { images?: unknown[] }
  return images.length > 0 ? `${images.length} made` : ''
}

/** The digits of π so far, "3.14…"; empty while there are none. */
export const digitsOf = (partial: unknown, result: unknown): string => {
  if (typeof partial === 'string') return partial
  return (result as { digits?: string } | null)?.digits ?? ''
}
