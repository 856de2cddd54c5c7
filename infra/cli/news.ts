import { LRUCache } from 'lru-cache'
import type { LiveEvent } from '../../lib/client/live.ts'
import type { Io } from './io.ts'
import { harmless, paint, percent } from './print.ts'
import type { Session } from './session.ts'

/** Progress is reported each time that it has grown by this much. */
const STEP = 0.1
/** How many jobs' names are remembered. */
const MAX_JOBS = 1_000

const MARKS = {
  'job.queued': ['dim', '·', 'is queued'],
  'job.blocked': ['dim', '·', 'waits for other jobs'],
  'job.started': ['cyan', '▸', 'runs'],
  'job.progressed': ['cyan', '▸', ''],
  'job.continued': ['dim', '↻', 'goes on in another stint'],
  'job.retried': ['yellow', '↻', 'will be tried again'],
  'job.cancelling': ['yellow', '■', 'is told to stop'],
  'job.succeeded': ['green', '✓', 'has succeeded'],
  'job.failed': ['red', '✗', 'has failed'],
  'job.cancelled': ['red', '■', 'is cancelled'],
} as const

/** A line for an event; undefined if it isn't worth one. */
export const createNews = (io: Io, session: Session): ((event: LiveEvent) => Promise<string | undefined>) => {
  const names = new LRUCache<string, string>({ max: MAX_JOBS })
  const said = new LRUCache<string, number>({ max: MAX_JOBS })

  /** A job's first event has its name. For a job that is older than this, the API is asked. */
  const nameOf = async ({ jobId, data = {} }: LiveEvent): Promise<string> => {
    const known = names.get(jobId)
    if (known) return known
    const { kind, name } = data as { kind?: string; name?: string }
    const asked = kind ? { kind, name } : await ask(session, jobId)
    const made = harmless(`${asked.kind}${asked.name ? ` “${asked.name}”` : ''}`)
    names.set(jobId, made)
    return made
  }

  return async (event) => {
    const mark = MARKS[event.type as keyof typeof MARKS]
    if (!mark) return undefined
    const [colour, sign, what] = mark
    const { progress, stint, error } = (event.data ?? {}) as {
      progress?: number
      stint?: number
      error?: { code: string; message: string }
    }
    if (event.type === 'job.progressed') {
      if ((progress ?? 0) - (said.get(event.jobId) ?? 0) < STEP) return undefined
      said.set(event.jobId, progress ?? 0)
    }
    if (event.type === 'job.started' && (stint ?? 1) > 1) return undefined
    const time = new Date(event.createdAt).toTimeString().slice(0, 8)
    const more =
      event.type === 'job.progressed'
        ? percent(progress ?? 0)
        : error
          ? `${what}: ${harmless(`${error.code}: ${error.message}`)}`
          : what
    return `${paint(io, 'dim', time)} ${paint(io, colour, sign)} ${await nameOf(event)} ${paint(io, 'dim', event.jobId.slice(-6))} ${more}`
  }
}

const ask = async ({ client }: Session, jobId: string): Promise<{ kind: string; name: string | null }> =>
  client.call('GET /jobs/{jobId}', { params: { jobId } }).then(
    ({ job }) => job,
    () => ({ kind: 'a job', name: null }),
  )
