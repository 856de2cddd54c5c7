import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { calculate, type Load, sum } from './calculate.ts'
import { describeCost, readLoad } from './cost.ts'
import { readDeployed } from './deployed.ts'
import { readMeasured } from './measured.ts'
import { PRICES, PRICES_AS_OF } from './prices.ts'

const document = readFileSync(new URL('../../docs/deploy.md', import.meta.url), 'utf8')
const billOf = (load: Partial<Load>) => calculate({ ...readLoad([]), ...load }, readMeasured(), readDeployed())

describe('docs/deploy.md', () => {
  test('shows what the calculator prints', () => {
    const shown = [...document.matchAll(/```sh\nnpm run cost(?: -- (.*))?\n```\n\n(.*?)\n\n(?=```|[A-Z][a-z]+ )/gs)]
    expect(shown).toHaveLength(2)
    for (const [, args = '', printed] of shown) {
      expect(printed).toBe(describeCost(readLoad(args.split(' ').filter(Boolean))))
    }
  })

  test('has every price, with the page that it is from', () => {
    for (const { usd, per, source } of Object.values(PRICES)) {
      expect(document).toContain(`| ${shown(usd)} | [${per}](${source}) |`)
    }
    expect(document).toContain(PRICES_AS_OF)
    expect(document).toContain(readMeasured().date)
  })
})

/** Without the noise of binary fractions. */
const shown = (usd: number): string => (usd < 0.001 ? `${Number((usd * 1e6).toPrecision(6))} a million` : String(usd))

describe('the bill', () => {
  test('is the fixed part for who does nothing', () => {
    const { fixed, perMonth } = billOf({ jobsPerDay: 0 })
    expect(perMonth).toBe(sum(fixed))
  })

  test('has three functions that run all day, as serverless.yml has them', () => {
    const { alwaysOn, gbOf } = readDeployed()
    expect(alwaysOn.map(({ functionName }) => functionName)).toEqual(['sweep', 'relay', 'metrics'])
    const gbSeconds = alwaysOn.reduce((all, it) => all + gbOf(it.functionName) * it.share, 0) * 730 * 3_600
    const [lambda] = billOf({}).fixed
    expect(lambda?.usd).toBeCloseTo(gbSeconds * 0.0000133334 + 3 * 730 * 60 * 0.0000002, 6)
  })

  test('grows with the time that jobs work, and not with those that share a worker', () => {
    const running = (load: Partial<Load>) =>
      billOf(load).perMillion.find(({ what }) => what.includes('running'))?.usd ?? 0
    const idle = running({})
    // A million seconds of 1769 MB.
    expect(running({ seconds: 1 }) - idle).toBeCloseTo((1e6 * 1_769 * 0.0000133334) / 1_024, 0)
    expect(running({ seconds: 10, atOnce: 10 })).toBeCloseTo(running({ seconds: 1 }), 6)
    expect(running({ seconds: 1, queue: 'compute' }) - running({ queue: 'compute' })).toBeCloseTo(
      (1e6 * 3_538 * 0.0000133334) / 1_024,
      0,
    )
  })

  test('is smaller for jobs that come in batches', () => {
    expect(sum(billOf({ batches: true }).perMillion)).toBeLessThan(sum(billOf({}).perMillion) / 10)
  })
})

test('who asks for nonsense is told what was expected', () => {
  expect(() => readLoad(['--jobs-per-day', 'many'])).toThrow('--jobs-per-day many: expected a number of at least 0')
  expect(() => readLoad(['--at-once', '0'])).toThrow('--at-once 0: expected a number of at least 1')
  expect(() => readLoad(['--seconds', ''])).toThrow('--seconds : expected a number of at least 0')
  expect(() => readLoad(['--queue', 'fast'])).toThrow('--queue fast: expected default, compute, bulk')
  expect(() => readLoad(['--price', '1'])).toThrow(/--price/)
})
