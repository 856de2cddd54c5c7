import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { defineJob } from '../../lib/jobs/define.ts'

// Kinds that harm the process they run in. The product has none; tests of what they can't harm load them beside it.

/** Time for the jobs that were claimed with it to begin. */
const MEANWHILE_MS = 150

const WAYS = {
  exit: () => process.exit(3),
  abort: () => process.abort(),
  segfault: () => process.kill(process.pid, 'SIGSEGV'),
  memory: () => fillMemory(),
  callback: () =>
    setTimeout(() => {
      throw new Error('thrown by a timer')
    }),
  /** Holds the event loop until its host ends the process. */
  loop: () => {
    for (;;) Math.sqrt(2)
  },
}

const way = z.enum(['exit', 'abort', 'segfault', 'memory', 'callback', 'loop'])

/** Ends its process, each time. */
export const deadly = defineJob({
  kind: 'poison.deadly',
  summary: 'Ends its process',
  input: z.object({ how: way }),
  output: z.null(),
  async *run({ input }) {
    await sleep(MEANWHILE_MS)
    WAYS[input.how]()
    await new Promise(() => {})
    return null
  },
})

/** Ends its process this many times, but gets on between. */
export const stumbling = defineJob({
  kind: 'poison.stumbling',
  summary: 'Ends its process, and gets on',
  input: z.object({ times: z.int() }),
  output: z.object({ died: z.int() }),
  checkpoint: z.object({ died: z.int() }),
  async *run({ input, checkpoint }) {
    const died = checkpoint?.died ?? 0
    if (died === input.times) return { died }
    yield { checkpoint: { died: died + 1 }, durable: true }
    process.exit(3)
  },
})

/** Never comes to a safe point, and lets others run. */
export const stuck = defineJob({
  kind: 'poison.stuck',
  summary: 'Waits for what never comes',
  input: z.object({}),
  output: z.null(),
  backoff: { baseSeconds: 0.1, capSeconds: 0.1 },
  async *run() {
    await new Promise(() => {})
    return null
  },
})

/** Leaves a promise to itself that is rejected. */
export const careless = defineJob({
  kind: 'poison.careless',
  summary: 'Awaits the wrong promise',
  input: z.object({}),
  output: z.null(),
  backoff: { baseSeconds: 0.1, capSeconds: 0.1 },
  async *run({ signal, log }) {
    await sleep(MEANWHILE_MS)
    const lost = async () => {
      await sleep(10)
      throw new Error('nobody looks')
    }
    log.info('begins what it does not await')
    void lost()
    await once(signal, 'abort')
    return null
  },
})

/** Harms its thread only. */
export const threaded = defineJob({
  kind: 'poison.threaded',
  summary: 'Ends its thread',
  isolation: 'thread',
  input: z.object({ how: z.enum(['exit', 'memory', 'careless', 'stuck']) }),
  output: z.null(),
  backoff: { baseSeconds: 0.1, capSeconds: 0.1 },
  async *run({ input }) {
    if (input.how === 'exit') process.exit(3)
    if (input.how === 'memory') fillMemory()
    if (input.how === 'careless') {
      void Promise.reject(new Error('nobody looks'))
      await new Promise(() => {})
    }
    for (;;) Math.sqrt(2)
  },
})

export const poisonKinds = [deadly, stumbling, stuck, careless, threaded]

const fillMemory = (): never => {
  // In small pieces: V8 ends a thread that comes to its limit, but the whole process for one piece that exceeds it by far.
  let kept: object = {}
  for (;;) kept = { kept }
}
