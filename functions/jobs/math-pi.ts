import { z } from 'zod'
import { defineJob } from '../../lib/jobs/define.ts'
import { chudnovsky } from './math/chudnovsky.ts'
import { certainDigits, decodeNatural, encodeNatural } from './math/digits.ts'
import { leibniz } from './math/leibniz.ts'
import type { State } from './math/series.ts'

const SERIES = { leibniz, chudnovsky }

/** How often, over the whole job, the digits so far are shown: writing them out is the expensive part of a safe point. */
const SHOWN_TIMES = 20

/** 55 KB for each number at 100 000 digits; `term` shrinks as the job proceeds. */
const checkpoint = z.object({
  terms: z.int().min(0),
  term: z
    .base64()
    .meta({ description: 'The next term, in units of the last guard digit: a natural number, big-endian' }),
  sum: z.base64().meta({ description: 'The sum of the terms so far, likewise' }),
})

export const mathPi = defineJob({
  kind: 'math.pi',
  summary: 'Computes π, right to every digit asked for',
  input: z.strictObject({
    digits: z.int().min(1).max(100_000).meta({ description: 'How many digits after the point' }),
    method: z.enum(['leibniz', 'chudnovsky']).default('leibniz').meta({
      description: "leibniz: Leibniz's series, accelerated, one bit per term; chudnovsky: 14 digits per term",
    }),
  }),
  output: z.object({
    digits: z.string().meta({ description: '"3.1415…", with exactly the digits asked for: cut off, not rounded' }),
    method: z.enum(['leibniz', 'chudnovsky']),
    terms: z.int().meta({ description: 'How many terms of the series were summed' }),
  }),
  checkpoint,
  queue: 'compute',
  isolation: 'thread',
  concurrency: 1,
  async *run({ input: { digits, method }, checkpoint }) {
    const series = SERIES[method](digits)
    let state = checkpoint ? decode(checkpoint) : series.begin()
    let shown = timesShown(state, series.expectedTerms)
    while (state.term > 0n) {
      state = series.advance(state)
      const due = timesShown(state, series.expectedTerms)
      yield {
        checkpoint: encode(state),
        progress: Math.min(1, state.terms / series.expectedTerms),
        ...(due > shown && { partial: certainDigits(series.bounds(state), digits) }),
      }
      shown = due
    }
    const known = certainDigits(series.bounds(state), digits)
    if (known.length !== digits + 2) throw new Error(`only ${known.length - 2} of ${digits} digits are certain`)
    return { digits: known, method, terms: state.terms }
  },
})

const timesShown = (state: State, expectedTerms: number): number =>
  Math.floor((SHOWN_TIMES * state.terms) / expectedTerms)

const encode = ({ terms, term, sum }: State): z.infer<typeof checkpoint> => ({
  terms,
  term: encodeNatural(term),
  sum: encodeNatural(sum),
})

const decode = ({ terms, term, sum }: z.infer<typeof checkpoint>): State => ({
  terms,
  term: decodeNatural(term),
  sum: decodeNatural(sum),
})
