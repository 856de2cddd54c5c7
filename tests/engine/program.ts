import type { JobChange } from '../../db/queries/job-changes.ts'
import type { CatchUp } from '../../db/queries/schedules.ts'
import * as schedules from '../../db/queries/schedules.ts'
import { type ErrorCode, StintError } from '../../lib/core/errors.ts'
import { newId } from '../../lib/core/ids.ts'
import { relay } from '../../lib/events/relay.ts'
import { cancelJob, cancelJobs } from '../../lib/jobs/cancel.ts'
import { changeJob } from '../../lib/jobs/change.ts'
import { execute } from '../../lib/jobs/execute.ts'
import { submitGathered } from '../../lib/jobs/gather.ts'
import { removeJob } from '../../lib/jobs/remove-jobs.ts'
import { redriveJobs, retryJob, retryJobs } from '../../lib/jobs/retry-jobs.ts'
import { runDueSchedules } from '../../lib/jobs/schedule.ts'
import { submit } from '../../lib/jobs/submit.ts'
import { endLeasesOf, sweep } from '../../lib/jobs/sweep.ts'
import { hardStopMs } from '../../lib/jobs/time.ts'
import { pauseQueue, resumeQueue } from '../../lib/queue/pause.ts'
import { readCron } from '../../lib/schedule/cron.ts'
import { prune } from '../../lib/schedule/prune.ts'
import { Broker } from './broker.ts'
import { jump } from './database-clock.ts'
import { Doorbells } from './doorbells.ts'
import { Journal } from './journal.ts'
import { type Ask, type AskedChange, Model, type Request, type Sending } from './model.ts'
import type { Move, MoveOf, Part } from './moves.ts'
import { Process, type Surroundings } from './process.ts'
import { newRequest, newSending } from './requests.ts'
import { PLAIN, SCHEDULED, TICK_SECONDS } from './scripted.ts'
import type { Stage } from './stage.ts'
import { Traffic } from './traffic.ts'
import type { VirtualTime } from './virtual-time.ts'

/** The project of the schedules. */
const PROJECT = '00000000-0000-7000-8000-00000000000c'

/** Idempotency keys are kept for 24 h. */
const KEYS_EXPIRE_AFTER_SECONDS = 86_400

/** A host that lost the answer of a commit tries no longer. */
const STORED_AGAIN_WITHIN_MS = 10_000

/** What is not finished yet: jobs, events, and jobs whose end is not counted at all of their children. */
interface Left {
  live: number
  running: number
  unpublished: number
  uncounted: number
}

/** One run of a program: the processes, what lies between them, and what the test knows. */
export class Program {
  readonly traffic: Traffic
  readonly doorbells: Doorbells
  readonly broker = new Broker()
  readonly journal = new Journal()
  readonly model = new Model()
  readonly logged: string[] = []
  /** Errors that no process should have met. */
  readonly failures = new Set<string>()
  readonly #stage: Stage
  readonly #time: VirtualTime
  readonly #surroundings: Surroundings
  readonly #processes = new Map<Part, Process>()
  readonly #died: string[] = []
  #started = 0
  #keys = 0
  #resumes = 0
  #resumesUnderWay = 0
  #nowMs = Date.now()
  #passedSeconds = 0

  constructor(stage: Stage, time: VirtualTime, random: () => number) {
    this.#stage = stage
    this.#time = time
    this.traffic = new Traffic(stage.admin)
    this.doorbells = new Doorbells(() => this.#nowMs)
    const { traffic, doorbells, broker, journal, logged, failures } = this
    const { admin, environment } = stage
    const nowMs = () => this.#nowMs
    this.#surroundings = { admin, environment, traffic, doorbells, broker, journal, logged, failures, nowMs, random }
  }

  /** Makes a move. What it starts goes on by itself whenever turns are taken. */
  async make(move: Move): Promise<void> {
    this.traffic.note(`— ${JSON.stringify(move)}`)
    if (move.do === 'finish') await this.traffic.finish(await this.#process(move.part))
    else if (move.do === 'delete a part') await this.#deletePart(await this.#process(move.part), move.nth)
    else if ('part' in move) this.#makeIn(await this.#process(move.part), move)
    else await this.#makeAround(move)
    await this.traffic.settle()
  }

  /** No more harm: everybody wakes, and what was begun goes on to its end. */
  async calmDown(): Promise<void> {
    this.traffic.note('— no more harm')
    this.doorbells.fails = 'no'
    this.broker.fails = 'no'
    for (const process of this.#processes.values()) {
      process.fuse = undefined
      process.answersLeft = undefined
      if (process.state === 'asleep') process.state = 'awake'
    }
    await this.traffic.drain()
    // A process that met a broken connection tries again, after a longer pause each time.
    for (let second = 0; second < 10 && this.#isBusy('worker-1', 'worker-2', 'worker-3'); second++) {
      await this.#pass(1)
      await this.traffic.drain()
    }
    await this.make({ do: 'resume', part: 'host-1' })
    await this.traffic.drain()
    await this.#stage.admin`UPDATE schedules SET next_at = NULL`
  }

  /** What timers do while time passes: sweep, run what was rung for, relay. @returns whether everything came to its end */
  async letTimeHeal(): Promise<boolean> {
    for (let round = 0; round < 60; round++) {
      for (const part of ['timer-1', 'timer-2'] as const) {
        await this.make({ do: 'sweep', part })
        await this.traffic.drain()
      }
      while (this.doorbells.visible('default').length > 0) {
        await this.make({ do: 'invoke', part: 'worker-1', nth: 0, doorbells: 10, functionSeconds: 900 })
        await this.traffic.drain()
      }
      await this.make({ do: 'relay', part: 'timer-1' })
      await this.traffic.drain()
      const left = await this.#left()
      if (left.live + left.unpublished + left.uncounted === 0) return true
      await this.#pass(left.running > 0 || round % 10 < 8 ? 61 : 2_700_000)
    }
    return false
  }

  /** Ends what is left of it, so that the next program finds nothing of this one. */
  async end(): Promise<void> {
    for (const process of this.#processes.values()) this.traffic.kill(process, 'with its program')
    await this.traffic.drain()
    await this.#stage.admin.unsafe('DELETE FROM schedules; DELETE FROM projects')
  }

  #makeIn(process: Process, move: Exclude<MoveOf<'part'>, { do: 'finish' | 'delete a part' }>): void {
    const { app } = process
    switch (move.do) {
      case 'submit':
        this.#submit(process, move)
        break
      case 'submit again': {
        const keyed = this.model.sendings.filter(({ request }) => request.keys.every((key) => key !== undefined))
        const earlier = pick(keyed, move.nth)
        if (earlier) this.#send(process, earlier.request)
        break
      }
      case 'misuse a key': {
        const key = pick([...this.model.byKey().values()], move.nth)?.[0]?.key
        if (key) this.#send(process, newRequest(this.model, 'one', [move.job], [key]))
        break
      }
      case 'store again': {
        const recent = this.model.sendings
          .toReversed()
          .filter(
            ({ answer, sentMs }) => answer !== 'refused' && Math.abs(this.#nowMs - sentMs) < STORED_AGAIN_WITHIN_MS,
          )
        const sending = pick(recent, move.nth)
        if (sending) this.#storeAgain(process, sending)
        break
      }
      case 'cancel':
        this.#ask(process, 'cancel', pick(this.model.accepted, move.nth), (id) => cancelJob(app, id))
        break
      case 'cancel many':
        this.#cancelMany(process, pickAll(this.model.accepted, move.picks))
        break
      case 'retry many':
        this.#retryMany(process, pickAll(this.model.accepted, move.picks), move.fromStart)
        break
      case 'change':
        this.#change(process, pick(this.model.accepted, move.nth), move.change)
        break
      case 'delete':
        this.#delete(process, pick(this.model.accepted, move.nth))
        break
      case 'prune':
        this.model.pruned = true
        process.start('a prune', () => prune(app))
        break
      case 'retry': {
        const what = move.fromStart ? 'retry from the start' : 'retry'
        this.#ask(process, what, pick(this.model.accepted, move.nth), (id) => retryJob(app, id, move))
        break
      }
      case 'redrive':
        process.start('a redrive', () =>
          redriveJobs(app, { queue: 'default' }, { askedBy: 'ada', limit: 100, perSecond: move.perSecond }),
        )
        break
      case 'schedule':
        process.start('a schedule', () => this.#schedule(process, move.catchUp))
        break
      case 'tick':
        process.start('the ticks', () => runDueSchedules(app, process.kinds))
        break
      case 'pause':
        this.#pause(process)
        break
      case 'resume':
        this.#resume(process)
        break
      case 'invoke':
        this.#invoke(process, move)
        break
      case 'sweep':
        process.start('a sweep', () => sweep(app))
        break
      case 'relay':
        process.start('a relay', () => relay(app))
        break
      case 'bury':
        process.start('a burial', () => endLeasesOf(app, this.#dead()))
        break
      case 'kill':
        process.fuse ??= { turns: move.turns, answer: move.answer }
        break
      case 'lose an answer':
        process.answersLeft ??= move.answers
        break
      case 'stop':
        process.stopping.abort()
        break
      case 'sleep':
        process.state = 'asleep'
        break
      case 'wake':
        process.state = 'awake'
        break
    }
  }

  async #makeAround(move: Exclude<Move, MoveOf<'part'>>): Promise<void> {
    switch (move.do) {
      case 'run':
        for (const nth of move.picks) await this.traffic.letOne(nth)
        break
      case 'take':
        for (const name of move.turns) await this.traffic.letNamed(name, move.which)
        break
      case 'wait':
        for (let second = 0; second < move.seconds; second++) {
          await this.#pass(1)
          for (const nth of move.picks) await this.traffic.letOne(nth)
        }
        break
      case 'jump':
        await this.#jump(move.seconds)
        break
      case 'lose a doorbell':
        this.doorbells.lose(move.nth)
        break
      case 'repeat a doorbell':
        this.doorbells.repeat(move.nth)
        break
      case 'break SQS':
        this.doorbells.fails = move.how
        break
      case 'break Kafka':
        this.broker.fails = move.how
        break
    }
  }

  /** The part's process; a new one if the last died or was told to stop and is done. */
  async #process(part: Part): Promise<Process> {
    const running = this.#processes.get(part)
    if (running && running.state !== 'dead' && !(running.stopping.signal.aborted && running.underWay.size === 0)) {
      return running
    }
    if (running) {
      this.traffic.kill(running, 'since it was told to stop')
      this.#died.push(running.name)
      this.#keepFailures(running)
    }
    const process = await Process.start(`${part}.${++this.#started}`, this.#stage.pools[part], this.#surroundings)
    this.#processes.set(part, process)
    return process
  }

  #submit(host: Process, { how, keyed, jobs }: Extract<Move, { do: 'submit' }>): void {
    const keys = jobs.map(() => (keyed ? `key ${this.#keys++}` : undefined))
    if (how === 'batch') this.#send(host, newRequest(this.model, how, jobs, keys))
    else for (const [index, job] of jobs.entries()) this.#send(host, newRequest(this.model, how, [job], [keys[index]]))
  }

  #send(host: Process, request: Request): void {
    const { model } = this
    const sending = newSending(model, host.kinds, request, this.#nowMs)
    host.start(`a submission (${request.how})`, async () => {
      try {
        const submitted =
          request.how === 'gathered'
            ? await Promise.all(sending.prepared.map((it) => submitGathered(host.app, it)))
            : await submit(host.app, sending.prepared)
        model.accept(sending, submitted)
      } catch (error) {
        if (!(error instanceof StintError)) throw error
        sending.answer = 'refused'
        sending.error = error
      }
    })
  }

  #storeAgain(host: Process, sending: Sending): void {
    host.start('a submission, once more', async () => {
      try {
        this.model.accept(sending, await submit(host.app, sending.prepared))
      } catch (error) {
        // Its answer is the first one's.
        if (!(error instanceof StintError)) throw error
      }
    })
  }

  /** Something that a person asks for one job, and may be refused because of the job's state. */
  #ask(host: Process, what: Ask['what'], jobId: string | undefined, request: (id: string) => Promise<unknown>): void {
    if (!jobId) return
    const ask: Ask = { what, jobId, answer: 'unknown' }
    this.model.asks.push(ask)
    host.start(`a ${what} of job ${jobId.slice(-4)}`, async () => {
      try {
        ask.answer = (await request(jobId)) === 'running' ? 'running' : 'done'
      } catch (error) {
        if (!isRefusedFor(error, 'JOB_NOT_FOUND', 'JOB_ENDED', 'JOB_NOT_ENDED', 'JOB_SUCCEEDED', 'UNIQUE_KEY_TAKEN'))
          throw error
        ask.answer = 'refused'
      }
    })
  }

  #cancelMany(host: Process, ids: string[]): void {
    const asks = ids.map((jobId): Ask => ({ what: 'cancel', jobId, answer: 'unknown' }))
    this.model.asks.push(...asks)
    host.start(`a cancel of ${ids.length} jobs`, async () => {
      const found = new Map((await cancelJobs(host.app, ids)).map((it) => [it.id, it]))
      for (const ask of asks) {
        const { state, changed = false } = found.get(ask.jobId) ?? {}
        if (state === 'running') ask.answer = 'running'
        else ask.answer = changed ? 'done' : 'refused'
      }
    })
  }

  #retryMany(host: Process, ids: string[], fromStart: boolean): void {
    const what = fromStart ? 'retry from the start' : 'retry'
    for (const jobId of ids) this.model.asks.push({ what, jobId, answer: 'unknown' })
    host.start(`a ${what} of ${ids.length} jobs`, () => retryJobs(host.app, ids, { fromStart }))
  }

  #change(host: Process, jobId: string | undefined, change: JobChange): void {
    if (!jobId) return
    const asked: AskedChange = { jobId, change, answer: 'unknown' }
    this.model.changes.push(asked)
    host.start(`a change of job ${jobId.slice(-4)}`, async () => {
      try {
        await changeJob(host.app, jobId, change)
        asked.answer = 'done'
      } catch (error) {
        if (!isRefusedFor(error, 'JOB_NOT_FOUND', 'JOB_ENDED', 'JOB_RUNNING', 'VALIDATION_FAILED')) throw error
        asked.answer = 'refused'
      }
    })
  }

  #delete(host: Process, jobId: string | undefined): void {
    if (!jobId) return
    host.start(`a deletion of job ${jobId.slice(-4)}`, async () => {
      const asked = { jobId }
      this.model.deletions.add(asked)
      try {
        await removeJob(host.app, jobId)
      } catch (error) {
        if (!isRefusedFor(error, 'JOB_NOT_FOUND', 'JOB_NOT_ENDED', 'JOB_UNPUBLISHED', 'JOB_IN_USE')) throw error
        this.model.deletions.delete(asked)
      }
    })
  }

  async #deletePart(host: Process, nth: number): Promise<void> {
    const parts = await this.#stage.admin<{ id: string }[]>`
      SELECT id FROM jobs WHERE submitted_by IS NOT NULL ORDER BY id`
    this.#delete(host, pick(parts, nth)?.id)
  }

  async #schedule({ app }: Process, catchUp: CatchUp): Promise<void> {
    await this.#stage.admin`INSERT INTO projects (id, name) VALUES (${PROJECT}, 'Scheduled') ON CONFLICT DO NOTHING`
    const now = await schedules.now(app.sql)
    await schedules.insert(app.sql, {
      ...{ id: newId(), projectId: PROJECT, createdBy: null, name: SCHEDULED, kind: 'scripted.plain', input: PLAIN },
      ...{ cron: `*/${TICK_SECONDS} * * * * *`, timeZone: 'UTC', catchUp, priority: 0, tags: [] },
      ...{ maxAttempts: null, timeoutSeconds: null, expiresInSeconds: null },
      nextAt: readCron(`*/${TICK_SECONDS} * * * * *`, 'UTC').after(now),
    })
  }

  #pause(host: Process): void {
    host.start('a pause', async () => {
      const before = this.#resumes
      await pauseQueue(host.app, 'default')
      const from = await this.#latestEvent()
      // A resume that is under way, or began and ended meanwhile, may come before it or after it.
      if (this.#resumesUnderWay === 0 && this.#resumes === before)
        this.model.pauses.push({ from, to: Number.POSITIVE_INFINITY })
    })
  }

  #resume(host: Process): void {
    this.#resumes++
    this.#resumesUnderWay++
    host.start('a resume', async () => {
      try {
        const to = await this.#latestEvent()
        for (const pause of this.model.pauses) pause.to = Math.min(pause.to, to)
        await resumeQueue(host.app, 'default')
      } finally {
        this.#resumesUnderWay--
      }
    })
  }

  /** A worker process answers one invocation at a time. What it didn't answer, SQS gives again. */
  #invoke(worker: Process, { nth, doorbells, functionSeconds }: Extract<Move, { do: 'invoke' }>): void {
    if (worker.underWay.size > 0) return
    const messages = this.doorbells.take('default', nth, doorbells)
    if (messages.length === 0) return
    const budget = messages.reduce((sum, { ring }) => sum + ring.n, 0)
    const endsMs = performance.now() + functionSeconds * 1_000
    const before = this.journal.entries.length
    worker.start('an invocation', async () => {
      try {
        await execute(worker.engine, { queue: 'default', budget, remainingMs: () => endsMs - performance.now() })
      } catch (error) {
        this.doorbells.putBack(messages)
        throw error
      } finally {
        const late = performance.now() >= endsMs - hardStopMs(functionSeconds * 1_000)
        const begun = this.journal.entries.slice(before).filter((it) => it.process === worker.name)
        for (const entry of begun) entry.late = late
      }
      const left = this.journal.runningIn(worker.name)
      if (left.length > 0 && worker.state !== 'dead') {
        this.failures.add('an invocation ended while jobs that it had claimed still ran')
      }
    })
  }

  #isBusy(...parts: Part[]): boolean {
    return parts.some((part) => (this.#processes.get(part)?.underWay.size ?? 0) > 0)
  }

  #dead(): string[] {
    const dead = [...this.#processes.values()].filter((it) => it.state === 'dead').map((it) => it.name)
    return [...this.#died, ...dead]
  }

  /** Lets time pass for all processes and the database. */
  async #pass(seconds: number): Promise<void> {
    await this.#jump(seconds)
    await this.#time.pass(Math.min(seconds, 60) * 1_000)
    await this.traffic.settle()
  }

  async #jump(seconds: number): Promise<void> {
    this.#nowMs += seconds * 1_000
    this.#passedSeconds += Math.max(0, seconds)
    if (this.#passedSeconds >= KEYS_EXPIRE_AFTER_SECONDS) this.model.keysExpired = true
    await jump(this.#stage.admin, seconds)
  }

  /** Errors of SQS, Kafka and broken connections are the test's own doing, and are met again until they are over. */
  #keepFailures(process: Process): void {
    for (const { what, error } of process.failures.splice(0)) {
      if (!isOwnDoing(error)) this.failures.add(`${what} failed: ${told(error)}`)
    }
  }

  /** Every error that a process should not have met. */
  allFailures(): string[] {
    for (const process of this.#processes.values()) this.#keepFailures(process)
    return [...this.failures]
  }

  /** The jobs that did not end. */
  async unended(): Promise<string[]> {
    const rows = await this.#stage.admin`
      SELECT id, kind, state, stint, attempt, crashes, waits_for, start_at, lease_until, worker, error FROM jobs
      WHERE state IN ('blocked', 'queued', 'running')`
    return rows.map((row) => JSON.stringify(row))
  }

  /** The latest number that an event got, committed or not. */
  async #latestEvent(): Promise<number> {
    const [row] = await this.#stage.admin<{ id: number }[]>`
      SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('events', 'id')), 0) AS id`
    return row?.id ?? 0
  }

  async #left(): Promise<Left> {
    const [row] = await this.#stage.admin<Left[]>`
      SELECT (SELECT count(*) FROM jobs WHERE state IN ('blocked', 'queued', 'running'))::integer AS live,
             (SELECT count(*) FROM jobs WHERE state = 'running')::integer AS running,
             (SELECT coalesce(sum(events), 0) FROM outbox)::integer AS unpublished,
             (SELECT count(*) FROM uncounted_parents)::integer AS uncounted`
    return row ?? { live: 0, running: 0, unpublished: 0, uncounted: 0 }
  }
}

const isOwnDoing = (error: unknown): boolean => {
  if (error instanceof AggregateError) return error.errors.every(isOwnDoing)
  return error instanceof Error && (/^(SQS|Kafka|PostgreSQL) /.test(error.message) || isOwnDoing(error.cause))
}

const told = (error: unknown): string =>
  error instanceof Error && error.cause ? `${error}, because of ${told(error.cause)}` : String(error)

const isRefusedFor = (error: unknown, ...codes: ErrorCode[]): boolean =>
  error instanceof StintError && codes.includes(error.code)

/** The elements that the numbers pick, each once. */
const pickAll = <T>(list: readonly T[], picks: number[]): T[] => [
  ...new Set(picks.flatMap((nth) => pick(list, nth) ?? [])),
]

const pick = <T>(list: readonly T[], nth: number): T | undefined => list[nth % Math.max(1, list.length)]
