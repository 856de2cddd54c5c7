import { pino } from 'pino'
import { createPool, type Pool } from '../../db/client.ts'
import { type App, createApp } from '../../lib/app.ts'
import { memoizeByOwner } from '../../lib/core/by-owner.ts'
import { readConfig } from '../../lib/core/config.ts'
import type { JobKind } from '../../lib/jobs/define.ts'
import type { Threads } from '../../lib/jobs/run-thread.ts'
import type { Broker } from './broker.ts'
import type { Doorbells } from './doorbells.ts'
import type { Journal } from './journal.ts'
import { scriptedKinds } from './scripted.ts'
import { type Actor, Died, type Traffic } from './traffic.ts'
import { watchClaims } from './watch-claims.ts'
import { watchedPool } from './watched-sql.ts'

/** What all processes share. */
export interface Surroundings {
  /** A connection of the test's own. */
  admin: Pool
  environment: Record<string, string>
  traffic: Traffic
  doorbells: Doorbells
  broker: Broker
  journal: Journal
  nowMs: () => number
  random: () => number
  logged: string[]
  /** What no process should have done. */
  failures: Set<string>
}

/** Connections of one process, as in production. They outlive it: the next process of the same part uses them. */
const MAX_CONNECTIONS = 4

/** So far a process's clock goes before the database's, or behind it. */
const SKEW_MS = 600_000

export const openPool = (environment: Record<string, string>, name: string): Pool =>
  createPool({ ...readConfig(environment).database, maxConnections: MAX_CONNECTIONS, applicationName: name })

const connectionsOf = memoizeByOwner((_: Pool) => ({ used: 0 }))

/** One process of the engine. It does nothing by itself: the test starts what it shall do. */
export class Process implements Actor {
  readonly name: string
  readonly maxConnections = MAX_CONNECTIONS
  state: Actor['state'] = 'awake'
  readonly connections: Actor['connections']
  fuse: Actor['fuse']
  answersLeft: Actor['answersLeft']
  /** What was started and is not over. */
  readonly underWay = new Set<Promise<void>>()
  readonly failures: { what: string; error: unknown }[] = []
  /** Aborted when it is asked to stop: its jobs stop at their next safe point. */
  readonly stopping = new AbortController()
  readonly #surroundings: Surroundings
  #app: App | undefined
  #kinds: JobKind[] = []

  private constructor(name: string, pool: Pool, surroundings: Surroundings) {
    this.name = name
    this.connections = connectionsOf(pool)
    this.#surroundings = surroundings
  }

  static async start(name: string, pool: Pool, surroundings: Surroundings): Promise<Process> {
    const { admin, environment, traffic, doorbells, broker, journal, nowMs, random, logged, failures } = surroundings
    const it = new Process(name, pool, surroundings)
    const skewMs = (Math.floor(random() * 3) - 1) * SKEW_MS
    it.#kinds = scriptedKinds(it, traffic, journal)
    it.#app = await createApp(readConfig(environment), name, {
      instance: name,
      sql: watchedPool(pool, it, traffic, watchClaims(admin, traffic, failures)),
      queue: doorbells.of(it, traffic),
      publisher: broker.of(it, traffic),
      // Of its own, and not the database's.
      clock: { now: () => nowMs() + skewMs },
      random,
      // The end of a part is met all the time.
      edgesAtOnce: 1 + Math.floor(random() * 3),
      stopping: it.stopping.signal,
      exit: (reason) => traffic.kill(it, `because ${reason}`),
      log: pino({ base: { process: name }, timestamp: false }, { write: (line) => void logged.push(line) }),
    })
    return it
  }

  get app(): App {
    if (!this.#app) throw new Error(`${this.name} was not started`)
    return this.#app
  }

  get kinds(): readonly JobKind[] {
    return this.#kinds
  }

  /** An engine without threads: what runs in one is not between the test's hands. */
  get engine() {
    const threads: Threads = { run: () => Promise.reject(new Error('no scripted kind runs in a thread')) }
    return { app: this.app, kinds: this.kinds, threads }
  }

  /**
   * Starts something and lets it go on by itself. An error is what the process's caller would see: it is kept, unless it
   * is the process's death.
   */
  start(what: string, work: () => Promise<unknown>): void {
    const { traffic } = this.#surroundings
    traffic.note(`${this.name} begins: ${what}`)
    const done = work().then(
      () => this.#surroundings.traffic.note(`${this.name} has done: ${what}`),
      (error: unknown) => {
        if (this.state === 'dead' || error instanceof Died) return
        traffic.note(`${this.name} failed: ${what}: ${error}`)
        this.failures.push({ what, error })
      },
    )
    this.underWay.add(done)
    void done.finally(() => this.underWay.delete(done))
  }
}
