import { appendFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { defineJob, PermanentError } from '../../lib/jobs/define.ts'

/** Computes without ever waiting; a negative number of turns never ends and never yields. */
export const spin = defineJob({
  kind: 'test.spin',
  summary: 'Spins',
  isolation: 'thread',
  input: z.object({ turns: z.int() }),
  output: z.object({ turns: z.int() }),
  checkpoint: z.object({ turn: z.int() }),
  async *run({ input, checkpoint, log }) {
    while (input.turns < 0) Math.sqrt(2)
    for (let turn = checkpoint?.turn ?? 0; turn < input.turns; turn++) {
      log.info('turned', { turn })
      yield { checkpoint: { turn: turn + 1 }, progress: (turn + 1) / input.turns, durable: turn === 1 }
    }
    return { turns: input.turns }
  },
})

/** Passes a durable safe point, does what must not be done twice (a line in a file), and passes another. */
export const effect = defineJob({
  kind: 'test.effect',
  summary: 'Has an effect',
  isolation: 'thread',
  input: z.object({ path: z.string(), bytes: z.int() }),
  output: z.null(),
  checkpoint: z.object({ text: z.string() }),
  async *run({ input, checkpoint }) {
    if (!checkpoint) yield { checkpoint: { text: 'x'.repeat(input.bytes) }, durable: true }
    appendFileSync(input.path, 'done\n')
    return null
  },
})

/** Takes its thread with it right after it has said so. */
export const lastWords = defineJob({
  kind: 'test.last-words',
  summary: 'Says something and dies',
  isolation: 'thread',
  input: z.object({}),
  output: z.null(),
  maxAttempts: 1,
  async *run({ log }) {
    log.error('last words')
    process.exit(3)
  },
})

/** Logs what can't be copied from thread to thread. */
export const talkThread = defineJob({
  kind: 'test.talk-thread',
  summary: 'Talks',
  isolation: 'thread',
  input: z.object({}),
  output: z.null(),
  async *run({ log }) {
    log.info('it waits', { seconds: 5, until: () => 6, because: new Error('busy') })
    return null
  },
})

/** Throws what is no error, or no proper one. */
export const oddThread = defineJob({
  kind: 'test.odd-thread',
  summary: 'Throws something odd',
  isolation: 'thread',
  input: z.object({
    how: z.enum(['no text', 'no message', 'a function', 'an error with a cause', 'a code', 'a permanent one']),
  }),
  output: z.null(),
  async *run({ input }) {
    yield { progress: 0.5 }
    if (input.how === 'no text') throw Object.create(null)
    if (input.how === 'no message') throw Object.assign(new TypeError(), { message: { code: 5 } })
    if (input.how === 'an error with a cause') throw new RangeError('too far', { cause: new TypeError('no map') })
    if (input.how === 'a code') throw Object.assign(new Error('as told'), { code: 'NAME_NOT_FOUND' })
    if (input.how === 'a permanent one')
      throw new PermanentError('NOT_THERE', 'as told', { cause: new TypeError('no map') })
    throw () => 5
  },
})

const nesting = {
  summary: 'Gives lists in lists, as its result or as a checkpoint',
  input: z.object({ levels: z.int(), as: z.enum(['result', 'checkpoint']) }),
  output: z.unknown(),
  checkpoint: z.unknown(),
  async *run({ input }: { input: { levels: number; as: 'result' | 'checkpoint' } }) {
    let value: unknown[] = []
    for (let level = 1; level < input.levels; level++) value = [value]
    if (input.as === 'result') return value
    yield { checkpoint: value, durable: true }
    return null
  },
}
export const nest = defineJob({ kind: 'test.nest', isolation: 'thread', ...nesting })
export const nestShared = defineJob({ kind: 'test.nest-shared', ...nesting })

/** Gives a function, which can't leave a thread. */
export const uncopied = defineJob({
  kind: 'test.uncopied',
  summary: 'Gives a function',
  isolation: 'thread',
  input: z.object({ as: z.enum(['result', 'partial']) }),
  output: z.unknown(),
  async *run({ input }) {
    const value = { parse: () => 5 }
    if (input.as === 'result') return value
    yield { partial: value }
    return null
  },
})

/** Waits, as long as its signal doesn't abort. */
export const patient = defineJob({
  kind: 'test.patient',
  summary: 'Waits',
  isolation: 'thread',
  input: z.object({}),
  output: z.null(),
  async *run({ signal, log }) {
    yield {}
    log.info('waits')
    await sleep(3_600_000, undefined, { signal })
    return null
  },
})

const careless = {
  summary: 'Yields what it was told to, whatever that is',
  input: z.object({ yields: z.unknown().optional(), cleanedUp: z.string().optional() }),
  output: z.null(),
  async *run({ input }: { input: { yields?: unknown; cleanedUp?: string | undefined } }) {
    try {
      yield input.yields as object
    } finally {
      if (input.cleanedUp) appendFileSync(input.cleanedUp, 'cleaned up')
    }
    return null
  },
}
export const carelessThread = defineJob({ kind: 'test.careless-thread', isolation: 'thread', ...careless })
export const carelessShared = defineJob({ kind: 'test.careless', ...careless })

/** Submits this many jobs in one turn, one of them again, and some that can't be. */
export const submitting = defineJob({
  kind: 'test.submit',
  summary: 'Submits',
  isolation: 'thread',
  input: z.object({ count: z.int() }),
  output: z.object({ ids: z.int(), same: z.boolean(), errors: z.array(z.string()) }),
  async *run({ input, submit }) {
    const job = { kind: 'test.spin', input: { turns: 1 }, runAt: new Date('2100-01-01T00:00:00Z') }
    const ids = await Promise.all(Array.from({ length: input.count }, (_, nth) => submit(`${nth}`, job)))
    yield { progress: 0.5, durable: true }
    const again = await submit('0', job)
    const errors: string[] = []
    const heard = (error: Error & { code?: string }) => errors.push(`${error.name} ${error.code} ${error.message}`)
    await submit('bad', { kind: 'test.nothing', input: {} }).catch(heard)
    await submit('function', { kind: 'test.spin', input: { turns: () => 1 } }).catch(heard)
    return { ids: new Set(ids).size, same: again === ids[0], errors: errors.map(String) }
  },
})
