import { z } from 'zod'
import { defineJob } from '../../lib/jobs/define.ts'
import { coefficients } from './math/pascal.ts'

/** The most bytes of terms, as JSON, in a result. More become a file. */
const MAX_INLINE_BYTES = 250_000

/** How many terms are shown before all of them are written out. */
const FIRST_TERMS = 20

const term = z.object({
  coefficient: z.string().meta({ description: 'With all its digits' }),
  a: z.int().meta({ description: 'The exponent of a' }),
  b: z.int().meta({ description: 'The exponent of b' }),
})
const file = z.object({ fileId: z.uuid(), sizeBytes: z.int() })

export const mathBinomialExpansion = defineJob({
  kind: 'math.binomial-expansion',
  summary: 'Writes out the terms of (a + b)ⁿ',
  input: z.strictObject({ n: z.int().min(0).max(10_000).meta({ description: 'The power' }) }),
  output: z.object({
    n: z.int(),
    terms: z.array(term).nullable().meta({ description: 'From aⁿ to bⁿ; null where they are too long for a result' }),
    file: file.nullable().meta({ description: 'Then the terms as CSV: coefficient, a, b' }),
  }),
  checkpoint: z.object({ file: file.nullable().meta({ description: 'Once it is written' }) }),
  queue: 'compute',
  concurrency: 2,
  async *run({ input: { n }, checkpoint, files }) {
    if (checkpoint?.file) return { n, terms: null, file: checkpoint.file }

    const toTerm = (coefficient: string, b: number): z.infer<typeof term> => ({ coefficient, a: n - b, b })
    if (!checkpoint) {
      const first = (await coefficients(n, FIRST_TERMS)).map(toTerm)
      yield { checkpoint: { file: null }, partial: { n, terms: first } }
    }

    const all = await coefficients(n, n + 1)
    if (fitsInline(all)) return { n, terms: all.map(toTerm), file: null }

    const lines = all.map((coefficient, b) => `${coefficient},${n - b},${b}\r\n`)
    const bytes = Buffer.from(`coefficient,a,b\r\n${lines.join('')}`)
    const written = await files.write({ name: `binomial-expansion-${n}.csv`, contentType: 'text/csv', bytes })
    // Durable: a file that is in no checkpoint would be made again.
    yield { checkpoint: { file: written }, progress: 1, durable: true }
    return { n, terms: null, file: written }
  },
})

/** The JSON around a coefficient of up to 10 000 terms: {"coefficient":"","a":5000,"b":5000}, */
const AROUND = 38

const fitsInline = (all: string[]): boolean =>
  all.reduce((bytes, coefficient) => bytes + AROUND + coefficient.length, 0) <= MAX_INLINE_BYTES
