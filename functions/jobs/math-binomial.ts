import { z } from 'zod'
import { defineJob } from '../../lib/jobs/define.ts'
import { approximately, primePower, primesUpTo, product } from './math/binomial.ts'
import { decodeNatural, encodeNatural } from './math/digits.ts'

/** Primes between two safe points: some 5 ms of work. */
const BLOCK = 500

const MAX_N = 100_000

export const mathBinomial = defineJob({
  kind: 'math.binomial',
  summary: 'Computes a binomial coefficient, exactly',
  input: z
    .strictObject({
      n: z.int().min(0).max(MAX_N).meta({ description: 'How many there are' }),
      k: z.int().min(0).max(MAX_N).meta({ description: 'How many are chosen; at most n' }),
    })
    .refine(({ n, k }) => k <= n, { path: ['k'], message: 'expected at most n' }),
  output: z.object({
    n: z.int(),
    k: z.int(),
    value: z.string().meta({ description: 'n over k, with all its digits' }),
    digits: z.int().meta({ description: 'How many digits the value has' }),
  }),
  checkpoint: z.object({
    primes: z.int().min(0).meta({ description: 'How many primes are multiplied already, from the smallest' }),
    product: z.base64().meta({ description: 'Of their powers: a natural number, big-endian' }),
  }),
  queue: 'compute',
  isolation: 'thread',
  concurrency: 1,
  async *run({ input: { n, k }, checkpoint }) {
    const primes = primesUpTo(n)
    const partial = { approximately: approximately(n, k) }
    let value = checkpoint ? decodeNatural(checkpoint.product) : 1n
    for (let done = checkpoint?.primes ?? 0; done < primes.length; ) {
      const block = primes.slice(done, done + BLOCK)
      value *= product(block.map((prime) => primePower(n, k, prime)))
      done += block.length
      yield {
        checkpoint: { primes: done, product: encodeNatural(value) },
        progress: done / primes.length,
        partial,
      }
    }
    const digits = value.toString()
    return { n, k, value: digits, digits: digits.length }
  },
})
