import type { Pool } from '../../db/client.ts'

/** What the test may do to a process. The process's code sees it as {@link Died}. */
export interface Actor {
  readonly name: string
  state: 'awake' | 'asleep' | 'dead'
  /** The most connections that its pool opens. */
  readonly maxConnections: number
  /** How many of them are in use: also by what a process before it, which died, left in PostgreSQL. */
  readonly connections: { used: number }
  /** It dies at one of its next turns: before it is taken, or when it was taken and before its answer is seen. */
  fuse: { turns: number; answer: 'never sent' | 'lost' } | undefined
  /** How many answers it still sees before it misses one, of a statement that stands alone or of a COMMIT. */
  answersLeft: number | undefined
}

/** What every statement of a dead process ends with: nothing that it does reaches anybody any more. */
export class Died extends Error {
  override readonly name = 'Died'
}

/** @throws {Died} for a process that is dead: what it waited for comes too late */
export const alive = (actor: Actor): void => {
  if (actor.state === 'dead') throw new Died(actor.name)
}

/** The error of a process whose connection broke: what it sent is done, and the answer is lost. */
export const loseAnswer = (actor: Actor): void => {
  if (actor.answersLeft === undefined || actor.answersLeft-- > 0) return
  actor.answersLeft = undefined
  throw Object.assign(new Error('PostgreSQL did, and the answer was lost'), { code: 'CONNECTION_CLOSED' })
}

/**
 * One thing that a process is about to do. `connection`: a statement of its own `takes` one of the pool's, one in a
 * transaction `has` it; a job's step needs `none`.
 */
interface Turn {
  actor: Actor
  what: string
  connection: 'takes' | 'has' | 'none'
  take(): void
  refuse(reason: Error): void
}

/** Turns of the event loop in which nothing may happen before all code is said to wait. */
const QUIET_TURNS = 5

/** A statement without an answer for this long is looked up in Postgres: it may wait for a lock. In milliseconds. */
const LOOK_AFTER_MS = 4

/** After this many looks the program gives up: neither an answer nor a lock. */
const MOST_LOOKS = 3_000

/** Real time in which a lock must be given back when nobody else can do anything. */
const PATIENCE_MS = 10_000

/**
 * The order of everything that happens: each statement, safe point, doorbell and publication of every process waits
 * here for its turn, and the test says whose turn it is. So a program runs the same way each time, processes can be
 * put to sleep or to death between any two statements, and one may overtake the other wherever real ones might.
 *
 * One turn is taken at a time. A statement that waits in Postgres for another process's lock is left behind; it goes on
 * by itself when the lock is free.
 */
export class Traffic {
  readonly #waiting: Turn[] = []
  readonly #admin: Pool
  /** Statements that were sent and have no answer. */
  #unanswered = 0
  /** How many of them were seen to wait for locks that are still held. */
  #blocked = 0
  #transactions = 0
  /** Counts everything that happens. */
  #events = 0
  /** Called when something happens. */
  #listener = (): void => {}
  /** What happened, the latest last, for the reader of a failure. */
  readonly history: string[] = []

  /** @param admin a connection of the test, not of a process */
  constructor(admin: Pool) {
    this.#admin = admin
  }

  #happened(): void {
    this.#events++
    this.#listener()
  }

  /** Whether transactions are under way: they may hold locks. */
  get hasTransactions(): boolean {
    return this.#transactions > 0
  }

  transactionBegins(): void {
    this.#transactions++
  }

  transactionEnds(): void {
    this.#transactions--
    this.#blocked = 0
  }

  note(line: string): void {
    this.history.push(line)
  }

  /** Resolves when it is this actor's turn. @throws {Died} when it dies instead */
  turn(actor: Actor, what: string, connection: Turn['connection'] = 'none'): Promise<void> {
    this.#happened()
    if (actor.state === 'dead') return Promise.reject(new Died(actor.name))
    const turn = Promise.withResolvers<void>()
    this.#waiting.push({ actor, what, connection, take: turn.resolve, refuse: turn.reject })
    return turn.promise
  }

  /** Runs what Postgres must answer. @throws {Died} when the actor died meanwhile: its answer is lost */
  async answered<T>(actor: Actor, send: () => Promise<T>, what: string): Promise<T> {
    const done = this.sent()
    try {
      const answer = await send()
      alive(actor)
      return answer
    } catch (error) {
      if (!(error instanceof Died)) this.note(`${actor.name}: ${what} was refused: ${error}`)
      throw error
    } finally {
      done()
    }
  }

  /** Counts a request until the function that it returns is called. */
  sent(): () => void {
    this.#unanswered++
    let open = true
    return () => {
      if (open) this.#unanswered--
      open = false
      this.#happened()
    }
  }

  kill(actor: Actor, why: string): void {
    if (actor.state === 'dead') return
    this.#happened()
    this.note(`${actor.name} dies ${why}`)
    actor.state = 'dead'
    for (const turn of this.#waiting.filter((it) => it.actor === actor)) {
      this.#waiting.splice(this.#waiting.indexOf(turn), 1)
      turn.refuse(new Died(actor.name))
    }
  }

  /** Lets one waiting turn be taken, `pick` saying which, and waits until all code waits again. @returns whether there was one */
  async letOne(pick: number): Promise<boolean> {
    const ready = this.#waiting.filter(isReady)
    const turn = ready[pick % ready.length]
    if (!turn) return false
    this.#waiting.splice(this.#waiting.indexOf(turn), 1)
    this.#take(turn)
    await this.settle()
    return true
  }

  /** Takes the turn with this in its name. */
  async letNamed(name: string, which: 'oldest' | 'newest'): Promise<void> {
    const named = (it: Turn) => it.what.includes(name)
    const ready = this.#waiting.filter(isReady)
    const index = which === 'oldest' ? ready.findIndex(named) : ready.findLastIndex(named)
    if (index >= 0) await this.letOne(index)
  }

  /** Takes an actor's turns, oldest first, until it has none left that it could take. */
  async finish(actor: Actor): Promise<void> {
    for (;;) {
      const index = this.#waiting.filter(isReady).findIndex((it) => it.actor === actor)
      if (index < 0) return
      await this.letOne(index)
    }
  }

  /** Takes turns, oldest first, until only those of sleeping processes wait. */
  async drain(most = 20_000): Promise<void> {
    for (let i = 0; i < most; i++) {
      await this.settle()
      if (await this.letOne(0)) continue
      if (this.#unanswered === 0) return
      // Only locks are in the way. Postgres ends a deadlock; nobody else is left who may hold one.
      if (!(await this.#happens(PATIENCE_MS))) throw new Error('statements wait for locks that nobody gives back')
    }
    throw new Error(`the processes did not come to rest in ${most} turns`)
  }

  /** Waits until nothing moves: all code waits for a turn, for time to pass, or for a lock. */
  async settle(): Promise<void> {
    for (let looks = 0; ; ) {
      await this.#quiet()
      if (this.#unanswered === this.#blocked) return
      if (await this.#happens(LOOK_AFTER_MS)) continue
      this.#blocked = await this.#waitingForLocks()
      if (this.#unanswered === this.#blocked) return
      if (++looks > MOST_LOOKS) throw new Error(`${this.#unanswered} statements have no answer`)
    }
  }

  /** Lets all code run that can. */
  async #quiet(): Promise<void> {
    for (let quiet = 0, seen = this.#events; quiet < QUIET_TURNS; quiet++) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      if (seen !== this.#events) quiet = 0
      seen = this.#events
    }
  }

  /** Waits until something happens, or this many milliseconds of real time. @returns whether something did */
  async #happens(ms: number): Promise<boolean> {
    const before = this.#events
    await new Promise<void>((resolve) => {
      const timer = realSetTimeout(resolve, ms)
      this.#listener = () => {
        realClearTimeout(timer)
        resolve()
      }
    })
    this.#listener = () => {}
    return this.#events !== before
  }

  #take(turn: Turn): void {
    const { actor } = turn
    const dies = actor.fuse && --actor.fuse.turns < 0 ? actor.fuse.answer : undefined
    this.note(`${actor.name}: ${turn.what}`)
    if (dies === 'never sent') {
      this.kill(actor, `before it`)
      turn.refuse(new Died(actor.name))
      return
    }
    turn.take()
    // Its statement must be sent before the death refuses everything that comes after it.
    if (dies === 'lost') setImmediate(() => this.kill(actor, 'before it sees the answer'))
  }

  async #waitingForLocks(): Promise<number> {
    const [row] = await this.#admin<{ count: number }[]>`
      SELECT count(*)::integer FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`
    return row?.count ?? 0
  }
}

const isReady = ({ actor, connection }: Turn): boolean =>
  actor.state === 'awake' && (connection !== 'takes' || actor.connections.used < actor.maxConnections)

/** Of the machine's clock: the test moves the one that the processes see. */
const { setTimeout: realSetTimeout, clearTimeout: realClearTimeout } = globalThis
