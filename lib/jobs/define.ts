import type { Readable } from 'node:stream'
import type { TransactionSql } from 'postgres'
import type { z } from 'zod'
import type { Mail } from '../mail/compose.ts'
import type { Delivery } from '../mail/mailer.ts'
import { QUEUES, type QueueName } from '../queue/doorbells.ts'
import type { Web } from '../web/web.ts'
import { requireDeclarable } from './declarable.ts'
import type { Submission } from './submission-fields.ts'

/**
 * What a job yields: a point at which the engine may stop it and go on later, on any machine, from `checkpoint`.
 * What is left out stays as the safe point before it said. What has other fields, or a checkpoint that the kind doesn't
 * declare, fails the job.
 */
export interface SafePoint<Checkpoint> {
  checkpoint?: Checkpoint
  /** The part that is done, 0 to 1; what is beyond is cut to it, and far beyond said in its log; what is no number fails the job. */
  progress?: number
  /** The result so far; at most 256 KiB of JSON. */
  partial?: unknown
  /** Saved before the job goes on, instead of within a second. Put two around a side effect that must not be repeated. */
  durable?: boolean
}

/**
 * Lines that people see at the job, about a thousand a second at most. Of an error, as the message or within `data`, its
 * stack is kept.
 */
export interface JobLog {
  debug(message: string, data?: Record<string, unknown>): void
  info(message: string, data?: Record<string, unknown>): void
  warn(message: string, data?: Record<string, unknown>): void
  error(message: string, data?: Record<string, unknown>): void
}

/** What every job is given. */
export interface JobContext<Input, Checkpoint> {
  job: { id: string; projectId: string; attempt: number; stint: number }
  input: Input
  /** The last safe point's, when this isn't the first stint. */
  checkpoint: Checkpoint | undefined
  /** Aborts when the job is cancelled, fenced off or the process stops. */
  signal: AbortSignal
  /** Lines that people see at the job. */
  log: JobLog
  /** The jobs that it ran after, in the order of their ids. */
  parents: readonly Parent[]
  /**
   * Submits a job of the same project, once per `key`: if a later stint repeats it, it gets the job that is there, whatever
   * `job` says by then. The same holds for a retry of the submitting job, unless that is `fromStart`. Jobs submitted in the
   * same turn of the event loop share one transaction, which is fenced. Await it before the `yield` whose checkpoint relies
   * on it.
   * @param key 1 to 200 characters, different for each job that this one submits
   * @returns the job's id; if another job holds its unique key, that one's
   * @throws {PermanentError} VALIDATION_FAILED, UNKNOWN_KIND: names the key and field; other jobs are submitted all the same
   * @throws {FencedError} when the job was taken away
   * @example
   * const ids = await Promise.all(urls.map((url) => submit(url, { kind: 'page.parse', input: { url } })))
   * await submit('all', { kind: 'site.summarize', input: {}, after: ids })
   */
  submit(key: string, job: JobToSubmit): Promise<string>
}

/** What a job submits: the same as people send to `POST /jobs`, with the same limits and defaults. */
export interface JobToSubmit extends Omit<Submission, 'runAt' | 'expiresAt'> {
  /** Not before then. Text is RFC 3339. */
  runAt?: Date | string | undefined
  /** Cancelled if it has not started by then, at once if that is past. Text is RFC 3339. */
  expiresAt?: Date | string | undefined
  /** Ids of jobs that must end first. */
  after?: string[] | undefined
}

/** A job that another ran after. */
export interface Parent {
  jobId: string
  name: string | null
  kind: string
  state: 'succeeded' | 'failed' | 'cancelled'
  /** Null when it didn't succeed, and past {@link MAX_PARENTS_BYTES} of results in all: read those over the API. */
  result: unknown
}

/** The results of all parents together that a job is handed. */
export const MAX_PARENTS_BYTES = 16 * 1024 * 1024

/** A file as a job reads it. */
export interface JobFile {
  fileId: string
  name: string
  contentType: string
  bytes: Buffer
}

/** What a job is given that shares its process with others: it may also write to the database and to files. */
export interface SharedJobContext<Input, Checkpoint> extends JobContext<Input, Checkpoint> {
  /**
   * Runs `work` in a transaction that first makes sure that this stint still holds the job, so that a stint that has lost
   * it writes nothing. It waits its turn if many of the process's jobs do so. One statement may take a minute, and the
   * transaction must not stand still for half of one. @throws {FencedError} when the job was taken away
   * @throws {PermanentError} FENCED_WITHIN_FENCED, as `files.write` and `files.remove` do there too
   */
  fenced<T>(work: (tx: TransactionSql) => Promise<T>): Promise<T>
  files: {
    /** A file of the job's project. @throws {PermanentError} when there is none, or it is larger than `maxBytes` */
    read(fileId: string, options: { maxBytes: number }): Promise<JobFile>
    /** Like `read`, for files too large for memory: the content is a stream, which fails beyond `maxBytes`. */
    open(fileId: string, options: { maxBytes: number }): Promise<Omit<JobFile, 'bytes'> & { stream: Readable }>
    /**
     * Stores a file that belongs to the job. It replaces a file of the same name by an earlier stint, if neither the
     * checkpoint nor the partial result has that file's id: that stint died before it could save the id, and this is the
     * same file again.
     * @throws {PermanentError} STORAGE_FULL when the project's files would have more than they may
     */
    write(file: {
      name: string
      contentType: string
      bytes: Uint8Array
    }): Promise<{ fileId: string; sizeBytes: number }>
    /** Removes files that the job made; it is no error if one is already gone. */
    remove(fileIds: string[]): Promise<void>
  }
  /** The public web; what is not public is refused. */
  web: Pick<Web, 'get' | 'crawlDelaySeconds'>
  mail: {
    /** The same in every stint, so that a mail that was sent twice can be recognized. */
    messageId: string
    /** False where mails only become files. */
    leavesThisMachine: boolean
    /** Where links lead to: the API, as people reach it. */
    publicUrl: string
    /** Counts one mail of the project's. @throws {RetryLater} when it has sent too many lately */
    allow(): Promise<void>
    /**
     * Hands the job's mail over for some of its recipients.
     * @throws when none of them was taken, and another try may help
     * @throws {PermanentError} MAIL_NOT_CONFIGURED
     */
    send(mail: Omit<Mail, 'messageId' | 'date' | 'from'>, to: string[]): Promise<Delivery>
  }
  /** A secret of the job for one purpose: the same in every stint, and stored nowhere. */
  secret(purpose: string): string
}

interface Common<I extends z.ZodType, O extends z.ZodType, C extends z.ZodType> {
  /** `noun.verb`; part of the API. */
  kind: string
  /** One line for people. */
  summary: string
  input: I
  output: O
  /** The state from which a later stint resumes. */
  checkpoint?: C
  /** Raised whenever the checkpoint's shape changes. */
  checkpointVersion?: number
  queue?: QueueName
  /** Tries before the job fails, retries included. */
  maxAttempts?: number
  /** Running time over all stints after which the job fails. */
  timeoutSeconds?: number
  /** How many jobs of this kind one invocation runs at once. */
  concurrency?: number
  /** Exponential backoff with full jitter between tries. */
  backoff?: { baseSeconds: number; capSeconds: number }
  /** Limits that hold over all processes, enforced when jobs are claimed. */
  limits?: Limits<z.output<I>>
  /**
   * Makes a checkpoint of an earlier `checkpointVersion` into one of the current shape. Without it, and when it gives
   * undefined, such a job starts anew from its input.
   */
  migrateCheckpoint?: (checkpoint: unknown, version: number) => z.input<C> | undefined
}

/**
 * Limits of a kind. They apply to jobs that were submitted since the kind has them. To remove a kind's limits, keep
 * `limits: {}` until its queued jobs are gone.
 */
export interface Limits<Input> {
  /** Jobs of the kind that run at once. */
  running?: number
  /** What a job is limited by: the host it crawls, the customer it works for. */
  concurrencyKey?: (input: Input) => string
  /** Jobs of one key that run at once. */
  runningPerKey?: number
  /** How often jobs of the kind start: `starts` in each `perSeconds`, and at most `starts` at once. */
  rate?: { starts: number; perSeconds: number }
}

/** Runs beside others on the process's event loop: for work that waits (database, network, image codecs). */
export interface SharedJob<I extends z.ZodType, O extends z.ZodType, C extends z.ZodType> extends Common<I, O, C> {
  isolation?: 'shared'
  run(context: SharedJobContext<z.output<I>, z.output<C>>): AsyncGenerator<SafePoint<z.input<C>>, z.input<O>, void>
}

/** Runs in a thread of its own: for work that computes. It can be stopped between any two instructions. */
export interface ThreadJob<I extends z.ZodType, O extends z.ZodType, C extends z.ZodType> extends Common<I, O, C> {
  isolation: 'thread'
  run(context: JobContext<z.output<I>, z.output<C>>): AsyncGenerator<SafePoint<z.input<C>>, z.input<O>, void>
}

/** A kind with its defaults filled in: what the engine and the API work with. */
export interface JobKind {
  kind: string
  summary: string
  input: z.ZodType
  output: z.ZodType
  checkpoint: z.ZodType | undefined
  checkpointVersion: number
  queue: QueueName
  maxAttempts: number
  timeoutSeconds: number
  concurrency: number
  backoff: { baseSeconds: number; capSeconds: number }
  limits: Limits<unknown> | undefined
  migrateCheckpoint: ((checkpoint: unknown, version: number) => unknown) | undefined
  isolation: 'shared' | 'thread'
  run(context: SharedJobContext<unknown, unknown>): AsyncGenerator<SafePoint<unknown>, unknown, void>
}

/**
 * Declares a kind of job: a typed async generator of which every `yield` is a safe point.
 *
 * @example
 * export const countdown = defineJob({
 *   kind: 'demo.countdown', summary: 'Counts down',
 *   input: z.strictObject({ from: z.int().min(1) }), output: z.object({ counted: z.int() }),
 *   checkpoint: z.object({ left: z.int() }),
 *   async *run({ input, checkpoint }) {
 *     for (let left = checkpoint?.left ?? input.from; left > 0; left--) {
 *       yield { checkpoint: { left }, progress: 1 - left / input.from }
 *     }
 *     return { counted: input.from }
 *   },
 * })
 *
 * @throws {TypeError} for what the types forbid too, since Node runs TypeScript without looking at them, and for numbers
 * with which no job would ever run
 */
export const defineJob = <I extends z.ZodType, O extends z.ZodType, C extends z.ZodType = z.ZodUndefined>(
  declared: SharedJob<I, O, C> | ThreadJob<I, O, C>,
): JobKind => {
  const kind = {
    kind: declared.kind,
    summary: declared.summary,
    input: declared.input,
    output: declared.output,
    checkpoint: declared.checkpoint,
    checkpointVersion: declared.checkpointVersion ?? 1,
    queue: declared.queue ?? 'default',
    maxAttempts: declared.maxAttempts ?? 3,
    timeoutSeconds: declared.timeoutSeconds ?? 3_600,
    concurrency: declared.concurrency ?? 100,
    backoff: declared.backoff ?? { baseSeconds: 2, capSeconds: 600 },
    limits: declared.limits as JobKind['limits'],
    migrateCheckpoint: declared.migrateCheckpoint,
    isolation: declared.isolation ?? 'shared',
    run: declared.run as JobKind['run'],
  }
  requireDeclarable(declared)
  requireOneOf(kind, 'queue', QUEUES)
  requireOneOf(kind, 'isolation', ['shared', 'thread'])
  // Otherwise this would only show when the first job of the kind runs, without the kind's name.
  if (/^(Async|Generator)Function$/.test(kind.run.constructor.name))
    throw new TypeError(`The kind ${kind.kind}: run must be an async generator, \`async *run(…)\``)
  return kind
}

const requireOneOf = <F extends 'queue' | 'isolation'>(kind: JobKind, field: F, known: readonly JobKind[F][]): void => {
  if (!known.includes(kind[field]))
    throw new TypeError(`The kind ${kind.kind}: ${field} must be one of ${known.join(', ')}, and not ${kind[field]}`)
}

/** A list of kinds to run. @throws {TypeError} when two have one name */
export const listKinds = (kinds: readonly JobKind[]): readonly JobKind[] => {
  const names = kinds.map((it) => it.kind)
  const twice = names.find((name, nth) => names.indexOf(name) !== nth)
  if (twice !== undefined) throw new TypeError(`Two kinds are named ${twice}`)
  return kinds
}

/** Thrown by a job that no retry can help. */
export class PermanentError extends Error {
  override readonly name = 'PermanentError'
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** How far ahead a job may be submitted for, or ask to continue: ten years. */
export const MAX_DELAY_SECONDS = 315_360_000

/** Thrown by a job to continue later from its last checkpoint, without spending an attempt. A negative time is now. */
export class RetryLater extends Error {
  override readonly name = 'RetryLater'
  readonly seconds: number
  /** @throws {RangeError} when `seconds` is NaN or more than ten years; that is then what the job threw */
  constructor(seconds: number, message = `again in ${seconds} s`) {
    super(message)
    if (!(seconds <= MAX_DELAY_SECONDS))
      throw new RangeError(`RetryLater takes a number of seconds, at most ${MAX_DELAY_SECONDS}, and not ${seconds}`)
    this.seconds = seconds
  }
}

/** Thrown by a job's own writes when another stint holds the job by now. */
export class FencedError extends Error {
  override readonly name = 'FencedError'
}
