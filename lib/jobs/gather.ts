import { isUnavailable } from '../../db/client.ts'
import type { App } from '../app.ts'
import type { Prepared } from './prepare.ts'
import { type Submitted, submit } from './submit.ts'

/** The most submissions that share one insert. */
const MAX_GROUP = 1_000

/** Groups under way at once: while one waits for its commit, the next can already be written. */
const MAX_UNDER_WAY = 2

interface Waiting {
  prepared: Prepared
  answer: PromiseWithResolvers<Submitted>
}

/**
 * Stores one submission, together with those that come in the same turn of the event loop or while others are being
 * written: one insert and one doorbell for all of them. An idle process doesn't wait. A group that fails is tried
 * in halves, so that nobody fails for a stranger's row; unless the database has no room for any.
 */
export const submitGathered = (app: App, prepared: Prepared): Promise<Submitted> => gathererOf(app).add(prepared)

class Gatherer {
  readonly #app: App
  #waiting: Waiting[] = []
  #underWay = 0
  #scheduled = false

  constructor(app: App) {
    this.#app = app
  }

  add(prepared: Prepared): Promise<Submitted> {
    const answer = Promise.withResolvers<Submitted>()
    this.#waiting.push({ prepared, answer })
    this.#schedule()
    return answer.promise
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0 || this.#underWay >= MAX_UNDER_WAY) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      void this.#flush()
    })
  }

  async #flush(): Promise<void> {
    const group = this.#waiting.splice(0, MAX_GROUP)
    if (group.length === 0) return
    this.#underWay++
    try {
      await this.#store(group)
    } finally {
      this.#underWay--
      this.#schedule()
    }
  }

  async #store(group: Waiting[]): Promise<void> {
    try {
      const submitted = await submit(
        this.#app,
        group.map((it) => it.prepared),
      )
      for (const [index, { answer }] of group.entries()) answer.resolve(submitted[index] as Submitted)
    } catch (error) {
      if (group.length === 1 || isUnavailable(error)) for (const { answer } of group) answer.reject(error)
      else {
        const half = Math.ceil(group.length / 2)
        await Promise.all([this.#store(group.slice(0, half)), this.#store(group.slice(half))])
      }
    }
  }
}

const gatherers = new WeakMap<App, Gatherer>()

const gathererOf = (app: App): Gatherer => {
  const existing = gatherers.get(app)
  if (existing) return existing
  const made = new Gatherer(app)
  gatherers.set(app, made)
  return made
}
