import type { Command } from 'commander'
import type { LiveEvent, LiveState } from '../../lib/client/live.ts'
import { hasEnded, STATE_AFTER } from '../../lib/jobs/states.ts'
import type { Cli } from './cli.ts'
import { explain } from './explain.ts'
import { followSession } from './following.ts'
import { CommandError, EXIT, type Io } from './io.ts'
import { barOf, isCut, lineOf, type Watched } from './job-line.ts'
import type { JsonOption } from './options.ts'
import { harmless, paint, toJson } from './print.ts'
import { createScreen, type Screen } from './screen.ts'
import { type Session, signedIn } from './session.ts'

type Told = Pick<LiveEvent, 'seq' | 'type' | 'createdAt' | 'data'>

/** `stint watch ID…`: until all of them have ended. */
export const addWatch = (program: Command, { io, exit }: Cli): void => {
  program
    .command('watch')
    .argument('<id...>')
    .description('show the progress of jobs until they have ended')
    .option('--json', 'print each event as a line of JSON, from the first on')
    .addHelpText('after', '\nExit codes: 0 all succeeded, 1 one failed or was cancelled')
    .action(async (ids: string[], { json = false }: JsonOption) => {
      exit(await watchJobs(io, await signedIn(io), [...new Set(ids)], { json }))
    })
}

/** @returns the exit code */
export const watchJobs = async (
  io: Io,
  session: Session,
  ids: string[],
  { json }: { json: boolean },
): Promise<number> => {
  const jobs = new Map<string, Watched>()
  const ended = Promise.withResolvers<void>()
  let live: LiveState = 'connecting'
  const show = json ? unseen : createView(io, jobs, () => live)
  const look = (): void => {
    show()
    if (jobs.size === ids.length && [...jobs.values()].every(({ state }) => hasEnded(state))) ended.resolve()
  }
  const told = new Map<string, number>()
  /** Prints each event once, whether it was read from the API or pushed. */
  const tell = (jobId: string, { seq, type, createdAt, data }: Told): void => {
    if (!json || seq <= (told.get(jobId) ?? 0)) return
    told.set(jobId, seq)
    io.out(toJson({ jobId, seq, type, createdAt, data }))
  }
  const read = async (): Promise<void> => {
    const { client } = session
    const get = (jobId: string) => client.call('GET /jobs/{jobId}', { params: { jobId } }).catch(naming(ids, jobId))
    const answers = await Promise.all(ids.map(get))
    for (const { job } of answers) jobs.set(job.id, { ...job, label: job.name ?? job.kind })
    if (!json) return
    for (const jobId of ids) {
      for await (const event of client.each('GET /jobs/{jobId}/events', { params: { jobId } })) tell(jobId, event)
    }
  }
  const early: LiveEvent[] = []
  let isRead = false
  const hear = (events: LiveEvent[]): void => {
    const ours = events.filter((it) => ids.includes(it.jobId))
    if (!isRead) {
      // The answer that is under way may be older than these events. If it is newer, the next answer corrects this soon.
      early.push(...ours)
      return
    }
    for (const event of ours) {
      tell(event.jobId, event)
      const job = jobs.get(event.jobId)
      if (job) apply(job, event)
    }
    look()
  }
  const following = followSession(session, {
    onEvents: hear,
    onReset: () => void read().then(look, ended.reject),
    onState: (state, error) => {
      live = state
      if (state === 'ended') ended.reject(asEnd(session, error))
      else show()
      if (state !== 'offline') return
      // If the API was never reached, this is no interruption: the command ends with the reason.
      if (!isRead) void read().catch(ended.reject)
      else if (json || !io.terminal) io.err('The API cannot be reached; trying again.')
    },
  })
  const stop = (): void => ended.reject(io.signal?.reason)
  io.signal?.addEventListener('abort', stop)
  try {
    await Promise.race([following.ready, ended.promise])
    await read()
    isRead = true
    hear(early.splice(0))
    look()
    await ended.promise
    await read()
    show()
  } finally {
    io.signal?.removeEventListener('abort', stop)
    following.stop()
    show.close()
  }
  return [...jobs.values()].every(({ state }) => state === 'succeeded') ? EXIT.ok : EXIT.found
}

/** Names the refused job, if there are several. */
const naming =
  ({ length }: string[], jobId: string) =>
  (error: unknown): never => {
    const explained = length > 1 ? explain(error) : undefined
    if (explained?.exitCode !== EXIT.refused) throw error
    throw new CommandError(`${harmless(jobId)}: ${explained.message}`, EXIT.refused, { cause: error })
  }

/** Why no more events will come. */
const asEnd = ({ email }: Session, error: unknown): unknown => {
  const isSession = email !== undefined && (error as { status?: number } | undefined)?.status === 401
  return isSession ? new CommandError('The session has ended: stint login signs in again', EXIT.signIn) : error
}

/** Updates a job by an event. Exported for tests. */
export const apply = (job: Watched, { type, data = {} }: LiveEvent): void => {
  job.state = STATE_AFTER[type] ?? job.state
  const { progress, stint, error } = data as { progress?: number; stint?: number; error?: Watched['error'] }
  job.progress = job.state === 'succeeded' ? 1 : (progress ?? job.progress)
  job.stint = stint ?? job.stint
  if (type === 'job.failed' || type === 'job.retried') job.error = error ?? null
  // An earlier error is out of date.
  else if (type === 'job.started') job.error = null
}

/** Shows the present state of the jobs. */
type View = (() => void) & { close: () => void }

const unseen: View = Object.assign(() => {}, { close: () => {} })

/** Bars on a terminal; otherwise a line whenever a state changes or another tenth is done. */
const createView = (io: Io, jobs: Map<string, Watched>, live: () => LiveState): View => {
  const screen = io.terminal && createScreen(io.terminal.screen)
  return screen?.isLive ? drawnOn(io, screen, jobs, live) : saidTo(io, jobs)
}

const drawnOn = (io: Io, screen: Screen, jobs: Map<string, Watched>, live: () => LiveState): View => {
  // Some terminals don't tell their width.
  const columns = (): number => screen.columns() || 80
  const show = (): void => {
    const note = { polling: 'no WebSocket can be had: asking each two seconds', offline: 'the API cannot be reached' }
    const below = note[live() as keyof typeof note]
    const bars = [...jobs.values()].map((job) => barOf(io, job, columns()))
    screen.show([...bars, ...(below ? [paint(io, 'dim', below)] : [])])
  }
  const close = (): void => {
    screen.close()
    for (const job of jobs.values()) if (job.error && isCut(io, job, columns())) io.out(lineOf(io, job))
  }
  return Object.assign(show, { close })
}

const saidTo = (io: Io, jobs: Map<string, Watched>): View => {
  const said = new Map<string, string>()
  const show = (): void => {
    for (const job of jobs.values()) {
      const step = `${job.state} ${job.stint} ${Math.floor(job.progress * 10)}`
      if (said.get(job.id) !== step) io.out(lineOf(io, job))
      said.set(job.id, step)
    }
  }
  return Object.assign(show, { close: () => {} })
}
