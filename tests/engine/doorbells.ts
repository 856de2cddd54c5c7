import type { DoorbellQueue, QueueName, Ring } from '../../lib/queue/doorbells.ts'
import { type Actor, alive, type Traffic } from './traffic.ts'

interface Message {
  id: number
  ring: Ring
  visibleAtMs: number
}

/** SQS, as unreliable as the test wants it: messages are lost, come twice, late and in any order. */
export class Doorbells {
  #messages: Message[] = []
  #made = 0
  readonly #nowMs: () => number
  /** How the next request fails: it does not reach SQS, or its answer is lost. */
  fails: 'no' | 'not sent' | 'answer lost' = 'no'

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs
  }

  /** Messages that can be received now. */
  visible(queue: QueueName): Message[] {
    const now = this.#nowMs()
    return this.#messages.filter(({ ring, visibleAtMs }) => ring.queue === queue && visibleAtMs <= now)
  }

  /** Receives and removes messages; one that a worker doesn't answer is put back. */
  take(queue: QueueName, nth: number, count: number): Message[] {
    const visible = this.visible(queue)
    const taken = visible.slice(nth % Math.max(1, visible.length)).slice(0, count)
    this.#messages = this.#messages.filter((it) => !taken.includes(it))
    return taken
  }

  putBack(messages: Message[]): void {
    this.#messages.push(...messages)
  }

  lose(nth: number): void {
    if (this.#messages.length > 0) this.#messages.splice(nth % this.#messages.length, 1)
  }

  repeat(nth: number): void {
    const message = this.#messages[nth % Math.max(1, this.#messages.length)]
    if (message) this.#messages.push({ ...message, id: this.#made++ })
  }

  /** The queue as one process reaches it. */
  of(actor: Actor, traffic: Traffic): DoorbellQueue {
    const request = async <T>(what: string, send: () => T): Promise<T> => {
      await traffic.turn(actor, what)
      alive(actor)
      const { fails } = this
      this.fails = 'no'
      if (fails === 'not sent') throw new Error('SQS is away')
      const answer = send()
      if (fails === 'answer lost') throw new Error('SQS did not answer')
      return answer
    }
    return {
      ring: (rings) =>
        request(
          `rings ${rings.map(({ queue, n, delaySeconds }) => `${queue} ×${n} in ${delaySeconds ?? 0} s`)}`,
          () => {
            for (const ring of rings) {
              this.#messages.push({
                id: this.#made++,
                ring,
                visibleAtMs: this.#nowMs() + (ring.delaySeconds ?? 0) * 1_000,
              })
            }
          },
        ),
      visible: (queue) => request('asks for visible doorbells', () => this.visible(queue).length),
      receive: () => Promise.reject(new Error('the test receives for the workers')),
      delete: () => Promise.reject(new Error('the test deletes for the workers')),
      close: () => {},
    }
  }
}
