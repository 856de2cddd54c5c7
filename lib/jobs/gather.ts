import { isUnavailable } from '../../db/client.ts'
import type { App } from '../app.ts'
import { memoizeByOwner } from '../core/by-owner.ts'
import { inParts } from '../core/in-parts.ts'
import type { Prepared } from './prepare.ts'
import type { Submitted } from './store.ts'
import { submit } from './submit.ts'

/** What is gathered, and how. */
export interface Gathering {
  /** Stores a group, all or nothing. */
  store(prepared: Prepared[]): Promise<Submitted[]>
  /** The most submissions that share one insert. */
  most: number
  /** Groups under way at once: while one waits for its commit, the next can already be written. */
  underWay: number
  /** Whether an error concerns the whole group: then its submissions are not tried alone. */
  concernsAll(error: unknown): boolean
}

/** The most characters that the inputs of a group have together, unless a single one has more. */
const MAX_GROUP_SIZE = 10_000_000
const sizeOf = ({ prepared }: Waiting): number => prepared.row.input.length

/** How many turns of the event loop a group waits for others, at most, while each turn brings some. */
const MAX_TURNS = 8

interface Waiting {
  prepared: Prepared
  answer: PromiseWithResolvers<Submitted>
}

/** Stores one submission, together with others of this process. */
export const submitGathered = (app: App, prepared: Prepared): Promise<Submitted> => gathererOf(app).add(prepared)

/**
 * Gathers submissions that come in the same turn of the event loop, in turns that follow each other, or while others are
 * being written, and stores them together: one insert and one doorbell. A turn that brings no more ends the wait, so that a
 * single submission waits for one empty turn and for no timer. A group that fails is tried again in halves, so that only the
 * submissions at fault fail.
 */
export class Gatherer {
  readonly #gathering: Gathering
  #waiting: Waiting[] = []
  #underWay = 0
  #scheduled = false

  constructor(gathering: Gathering) {
    this.#gathering = gathering
  }

  add(prepared: Prepared): Promise<Submitted> {
    const answer = Promise.withResolvers<Submitted>()
    this.#waiting.push({ prepared, answer })
    this.#schedule()
    return answer.promise
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0 || this.#underWay >= this.#gathering.underWay) return
    this.#scheduled = true
    this.#flushWhenQuiet(0, MAX_TURNS)
  }

  #flushWhenQuiet(known: number, turnsLeft: number): void {
    setImmediate(() => {
      const count = this.#waiting.length
      const isGrowing = count > known && count < this.#gathering.most
      if (isGrowing && turnsLeft > 0) return this.#flushWhenQuiet(count, turnsLeft - 1)
      this.#scheduled = false
      void this.#flush()
    })
  }

  async #flush(): Promise<void> {
    const [group] = inParts(this.#waiting, { most: this.#gathering.most, maxSize: MAX_GROUP_SIZE, sizeOf })
    if (!group) return
    this.#waiting.splice(0, group.length)
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
      const submitted = await this.#gathering.store(group.map((it) => it.prepared))
      for (const [index, { answer }] of group.entries()) answer.resolve(submitted[index] as Submitted)
    } catch (error) {
      if (group.length === 1 || this.#gathering.concernsAll(error)) for (const { answer } of group) answer.reject(error)
      else {
        const half = Math.ceil(group.length / 2)
        await Promise.all([this.#store(group.slice(0, half)), this.#store(group.slice(half))])
      }
    }
  }
}

const gathererOf = memoizeByOwner(
  (app: App) =>
    new Gatherer({
      store: (prepared) => submit(app, prepared),
      most: 1_000,
      underWay: 2,
      concernsAll: isUnavailable,
    }),
)
