import type { ClaimedJob } from '../../db/queries/claims.ts'
import type { JobError } from '../../db/queries/jobs.ts'
import type { Outcome } from '../../db/queries/outcomes.ts'
import type { SavedPoint } from '../../db/queries/safe-points.ts'
import { attempt } from '../core/attempt.ts'
import { storable } from '../core/storable.ts'
import { asDeclared } from './as-declared.ts'
import { backoffMs } from './backoff.ts'
import { type JobKind, type JobLog, PermanentError, RetryLater, type SafePoint } from './define.ts'
import { MAX_CHECKPOINT_BYTES, MAX_DATA_BYTES, toStoredJson, toStoredProgress } from './json.ts'
import { isStray, toSafePoint } from './safe-point.ts'
import { isAbortOf, stackToKeep, toError } from './thrown.ts'
import { type FunctionTime, marginMs } from './time.ts'

/**
 * One execution of a job by this process: its newest safe point, and whether it has been told to stop.
 * Times are milliseconds of a monotonic clock.
 */
export class Stint {
  readonly job: ClaimedJob
  readonly kind: JobKind
  readonly #claimedMs = performance.now()
  /** When the job began to run; undefined while it waits for a thread, or for its parents' results. */
  #beganMs: number | undefined
  /** Aborts when the job is cancelled, fenced off or the process stops. */
  readonly abort = new AbortController()
  /** Aborts when the stint is fenced off; its thread is then terminated. */
  readonly taken = new AbortController()
  /** Another stint holds the job, or the job has ended: this stint must write nothing more. */
  fenced = false
  /** How the stint ended, until that is written. */
  outcome: Outcome | undefined
  /** The stint was cut off and its outcome reported: whatever the job still returns is ignored. */
  handedIn = false
  /** The job is to stop at its next safe point. */
  stopRequested = false
  /** Whether it has passed a safe point. */
  passed = false
  /** Writes a warning to the job's log. Does nothing until the job runs. */
  warn: JobLog['warn'] = () => {}
  #toldOfProgress = false
  #checkpointFits = false
  #longestGapMs = 0
  #lastPointMs = this.#claimedMs
  #latest: SafePoint<unknown> = {}
  #unsaved = false
  #fencedMs = 0
  readonly #time: FunctionTime
  readonly #cut: () => boolean

  constructor(job: ClaimedJob, kind: JobKind, time: FunctionTime, cut: () => boolean = () => false) {
    this.job = job
    this.kind = kind
    this.#time = time
    this.#cut = cut
    if (kind.isolation === 'shared' && !job.hasParents) this.#beganMs = this.#claimedMs
  }

  /** Notes that the job began to run, this many milliseconds ago. */
  begin(agoMs: number): void {
    this.#beganMs ??= performance.now() - agoMs
  }

  /** Whether any of the job's code may have run. */
  get hasBegun(): boolean {
    return this.#beganMs !== undefined
  }

  #ranMs(): number {
    return this.#beganMs === undefined ? 0 : performance.now() - this.#beganMs
  }

  /**
   * Takes note of a safe point. `gapMs` is given by jobs whose points are seen late.
   * @throws {PermanentError} SAFE_POINT_INVALID, PROGRESS_INVALID
   */
  pass(yielded: unknown, gapMs?: number): void {
    const said = toSafePoint(this.kind, yielded)
    if (said.progress !== undefined && isStray(said.progress)) this.#tellOfProgress(said.progress)
    const now = performance.now()
    this.#longestGapMs = Math.max(this.#longestGapMs, gapMs ?? now - this.#lastPointMs)
    this.#lastPointMs = now
    this.#latest = { ...this.#latest, ...said }
    // A bare `yield {}` is only a place to stop at: there is nothing to save, and no event to write.
    this.#unsaved ||= Object.keys(said).length > 0
    this.passed = true
  }

  #tellOfProgress(progress: number): void {
    if (this.#toldOfProgress) return
    this.#toldOfProgress = true
    const name = this.kind.kind
    this.warn(`the kind ${name} yields the progress ${progress}: it is the part that is done, 0 to 1, and is cut to it`)
  }

  /** Whether it must stop at the safe point it is at. */
  mustStop(): boolean {
    return (
      this.stopRequested ||
      this.overdueMs() > 0 ||
      this.#cut() ||
      this.#time.remainingMs() < marginMs(this.#time.totalMs, this.#longestGapMs)
    )
  }

  /** By how much the job's running time, over all stints, exceeds its timeout. */
  overdueMs(): number {
    return this.job.runMs + this.#ranMs() - this.job.timeoutSeconds * 1_000
  }

  fencedForMs(): number {
    return this.fenced ? performance.now() - this.#fencedMs : 0
  }

  /** Takes the job away: its stint stops at once and writes nothing. */
  fence(): void {
    if (this.fenced) return
    this.fenced = true
    this.#fencedMs = performance.now()
    this.taken.abort()
    this.requestStop('another stint holds the job')
  }

  requestStop(reason: string): void {
    this.stopRequested = true
    if (!this.abort.signal.aborted) this.abort.abort(new Error(reason))
  }

  /** The newest safe point if it isn't saved yet, for the process's next write. @throws {PermanentError} if it can't be stored */
  takeUnsaved(): SavedPoint | undefined {
    if (!this.#unsaved || this.fenced) return undefined
    this.#unsaved = false
    return { id: this.job.id, stint: this.job.stint, ...this.#stored() }
  }

  /** Marks the newest safe point as unsaved again, because the write that took it failed. */
  markUnsaved(): void {
    this.#unsaved = true
  }

  returned(result: unknown): Outcome {
    const declared = asDeclared('result', this.kind.output, result)
    return { ...this.#ended('returned'), result: toStoredJson(declared, 'result', MAX_DATA_BYTES) }
  }

  yielded(): Outcome {
    return this.#goesOn('yielded')
  }

  /** How a throw ends the stint. Throwing because `signal` aborted is a stop at a safe point and spends no attempt. */
  threw(error: Error, random: number): Outcome {
    if (isAbortOf(this.abort.signal, error)) return this.yielded()
    if (error instanceof RetryLater)
      return { ...this.#goesOn('postponed'), delayMs: Math.max(0, error.seconds * 1_000) }
    const told = toJobError(error)
    if (error instanceof PermanentError)
      return { ...this.#ended('refused'), ...this.#storedIfPossible(), error: told, stack: stackToKeep(error) }
    const delayMs = backoffMs(this.kind.backoff, this.job.attempt, random)
    return { ...this.#ended('threw'), ...this.#storedIfPossible(), error: told, stack: stackToKeep(error), delayMs }
  }

  /** The function's time is over and the job is between two safe points, or had no thread. */
  cutOff(random: number): Outcome {
    if (this.passed || this.#beganMs === undefined) return this.yielded()
    const error = { code: 'NO_SAFE_POINT', message: 'passed no safe point until the end of the function’s time' }
    return { ...this.#ended('threw'), error, delayMs: backoffMs(this.kind.backoff, this.job.attempt, random) }
  }

  #ended(ending: Outcome['ending']): Outcome {
    return { id: this.job.id, stint: this.job.stint, ending, runMs: this.#ranMs() }
  }

  /**
   * The job continues in another stint of the same attempt. It fails instead if its safe point can't be stored, or if the next
   * stint would refuse the checkpoint: it would repeat the same work for ever.
   */
  #goesOn(ending: 'yielded' | 'postponed'): Outcome {
    try {
      this.#checkpointFits = false
      return { ...this.#ended(ending), ...this.#stored() }
    } catch (cause) {
      return { ...this.#ended('refused'), error: toJobError(toError(cause)) }
    }
  }

  #stored(): Pick<SavedPoint, 'progress' | 'partial' | 'checkpoint' | 'checkpointVersion'> {
    const { progress, partial, checkpoint } = this.#latest
    return {
      ...(progress !== undefined && { progress: toStoredProgress(progress) }),
      ...(partial !== undefined && { partial: toStoredJson(partial, 'partial', MAX_DATA_BYTES) }),
      ...(checkpoint !== undefined && {
        checkpoint: this.#storedCheckpoint(checkpoint),
        checkpointVersion: this.kind.checkpointVersion,
      }),
    }
  }

  /** Validated as the next stint will do it: the first one stored, and each one that the job continues from. */
  #storedCheckpoint(checkpoint: unknown): string {
    const text = toStoredJson(checkpoint, 'checkpoint', MAX_CHECKPOINT_BYTES)
    if (!this.#checkpointFits && this.kind.checkpoint) asDeclared('checkpoint', this.kind.checkpoint, JSON.parse(text))
    this.#checkpointFits = true
    return text
  }

  /** A job that ends although its safe point can't be stored must still be able to end. */
  #storedIfPossible(): Partial<SavedPoint> {
    try {
      return this.#stored()
    } catch {
      return {}
    }
  }
}

const MAX_MESSAGE = 2_000

const errorMessage = ({ message }: Error): string => storable(message.slice(0, MAX_MESSAGE))

const toJobError = (error: Error): JobError => ({ code: errorCode(error), message: errorMessage(error) })

/** A code in words, like those of Node and of kinds, but not a number of PostgreSQL's. */
const WORDS = /^[A-Z][A-Z_]{1,59}$/

const errorCode = (error: Error): string => {
  if (error instanceof PermanentError && typeof error.code === 'string') return storable(error.code)
  const code = attempt(() => (error as { code?: unknown }).code)
  if (typeof code === 'string' && WORDS.test(code)) return code
  return /^\w{1,60}$/.test(error.name) ? error.name : 'ERROR'
}
