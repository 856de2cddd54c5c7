import { Cron } from 'croner'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { StintError } from '../core/errors.ts'
import { latestTick, nextTicks, readCron } from './cron.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Ticks from an instant on, as `10-25T00:30`. */
const ticksFrom = (cron: string, timeZone: string, from: string, count: number): string[] =>
  nextTicks(readCron(cron, timeZone), new Date(from), count).map((tick) => tick.toISOString().slice(5, 16))

describe('where clocks are put forward', () => {
  test.for<[zone: string, cron: string, from: string, ticks: string[]]>([
    // Berlin: 2026-03-29, 02:00 becomes 03:00, at 01:00 UTC.
    ['Europe/Berlin', '30 2 * * *', '2026-03-28T12:00Z', ['03-29T01:00', '03-30T00:30', '03-31T00:30']],
    ['Europe/Berlin', '0 2 * * *', '2026-03-28T12:00Z', ['03-29T01:00', '03-30T00:00']],
    ['Europe/Berlin', '0 3 * * *', '2026-03-28T12:00Z', ['03-29T01:00', '03-30T01:00']],
    ['Europe/Berlin', '0 2,3 * * *', '2026-03-28T12:00Z', ['03-29T01:00', '03-30T00:00', '03-30T01:00']],
    ['Europe/Berlin', '0 * * * *', '2026-03-28T22:30Z', ['03-28T23:00', '03-29T00:00', '03-29T01:00', '03-29T02:00']],
    ['Europe/Berlin', '*/30 * * * *', '2026-03-29T00:10Z', ['03-29T00:30', '03-29T01:00', '03-29T01:30']],
    ['Europe/Berlin', '0 */2 * * *', '2026-03-28T22:30Z', ['03-28T23:00', '03-29T02:00', '03-29T04:00']],
    // New York: 2026-03-08, 02:00 becomes 03:00, at 07:00 UTC.
    ['America/New_York', '30 2 * * *', '2026-03-07T12:00Z', ['03-08T07:00', '03-09T06:30']],
    ['America/New_York', '15 * * * *', '2026-03-08T05:30Z', ['03-08T06:15', '03-08T07:15', '03-08T08:15']],
    // Lord Howe: 2026-10-04, 02:00 becomes 02:30, at 15:30 UTC the day before.
    ['Australia/Lord_Howe', '15 2 * * *', '2026-10-03T12:00Z', ['10-03T15:30', '10-04T15:15']],
    ['Australia/Lord_Howe', '30 2 * * *', '2026-10-03T12:00Z', ['10-03T15:30', '10-04T15:30']],
    ['Australia/Lord_Howe', '15 * * * *', '2026-10-03T14:00Z', ['10-03T14:45', '10-03T16:15', '10-03T17:15']],
  ])('%s %s', ([zone, cron, from, ticks]) => {
    expect(ticksFrom(cron, zone, from, ticks.length)).toEqual(ticks)
  })
})

describe('where clocks are put back', () => {
  test.for<[zone: string, cron: string, from: string, ticks: string[]]>([
    // Berlin: 2026-10-25, 03:00 becomes 02:00, at 01:00 UTC.
    ['Europe/Berlin', '30 2 * * *', '2026-10-24T12:00Z', ['10-25T00:30', '10-26T01:30', '10-27T01:30']],
    ['Europe/Berlin', '15,45 2 * * *', '2026-10-24T12:00Z', ['10-25T00:15', '10-25T00:45', '10-26T01:15']],
    ['Europe/Berlin', '0 3 * * *', '2026-10-24T12:00Z', ['10-25T02:00', '10-26T02:00']],
    ['Europe/Berlin', '0 * * * *', '2026-10-24T22:30Z', ['10-24T23:00', '10-25T00:00', '10-25T01:00', '10-25T02:00']],
    [
      'Europe/Berlin',
      '*/30 * * * *',
      '2026-10-25T00:10Z',
      ['10-25T00:30', '10-25T01:00', '10-25T01:30', '10-25T02:00'],
    ],
    // New York: 2026-11-01, 02:00 becomes 01:00, at 06:00 UTC.
    ['America/New_York', '30 1 * * *', '2026-10-31T12:00Z', ['11-01T05:30', '11-02T06:30']],
    ['America/New_York', '15 * * * *', '2026-11-01T04:30Z', ['11-01T05:15', '11-01T06:15', '11-01T07:15']],
    // Lord Howe: 2026-04-05, 02:00 becomes 01:30, at 15:00 UTC the day before.
    ['Australia/Lord_Howe', '45 1 * * *', '2026-04-04T12:00Z', ['04-04T14:45', '04-05T15:15']],
    ['Australia/Lord_Howe', '30 1 * * *', '2026-04-04T12:00Z', ['04-04T14:30', '04-05T15:00']],
    ['Australia/Lord_Howe', '45 * * * *', '2026-04-04T13:30Z', ['04-04T13:45', '04-04T14:45', '04-04T15:15']],
  ])('%s %s', ([zone, cron, from, ticks]) => {
    expect(ticksFrom(cron, zone, from, ticks.length)).toEqual(ticks)
  })
})

/** Local time as if it were UTC, by the runtime's own time zone data and not by the library under test. */
const localTime = (timeZone: string): ((ms: number) => number) => {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  })
  return (ms) => {
    const parts = Object.fromEntries(format.formatToParts(ms).map((part) => [part.type, Number(part.value)]))
    return Date.UTC(
      parts['year'] ?? 0,
      (parts['month'] ?? 0) - 1,
      parts['day'] ?? 0,
      parts['hour'] ?? 0,
      parts['minute'] ?? 0,
    )
  }
}

/** What should tick in some days, minute by minute: slow, and plain to see. */
const ticksByHand = (cron: string, timeZone: string, from: number, to: number): number[] => {
  const local = localTime(timeZone)
  const pattern = new Cron(cron, { utcOffset: 0, paused: true })
  const matches = (ms: number) => pattern.match(new Date(ms))
  const timesOfDay = !/[*/]/.test(cron.split(' ').slice(0, 2).join(''))
  const seen = new Set<number>()
  const ticks: number[] = []
  let before = local(from)
  for (let at = from + MINUTE; at < to; at += MINUTE) {
    const now = local(at)
    const skipped = Array.from(
      { length: Math.max(0, (now - before) / MINUTE - 1) },
      (_, i) => before + (i + 1) * MINUTE,
    )
    if (timesOfDay ? skipped.some(matches) || (matches(now) && !seen.has(now)) : matches(now)) ticks.push(at)
    seen.add(now)
    before = now
  }
  return ticks
}

const ZONES = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Havana', 'Africa/Casablanca', 'UTC']

describe('in every zone', () => {
  const zone = fc.constantFrom(...ZONES)
  // The days around which clocks change in these zones.
  const start = fc
    .constantFrom('2026-02-14', '2026-03-07', '2026-03-28', '2026-04-04', '2026-10-03', '2026-10-24', '2026-10-31')
    .chain((day) => fc.integer({ min: -24 * 60, max: 24 * 60 }).map((minutes) => Date.parse(day) + minutes * MINUTE))
  const minute = fc.oneof(fc.integer({ min: 0, max: 59 }).map(String), fc.constantFrom('0,30', '15,45', '*/15', '*'))
  const hour = fc.oneof(fc.integer({ min: 0, max: 23 }).map(String), fc.constantFrom('*', '*/2', '1-3', '0,2', '23'))

  test('ticks are those that one counts by hand', () => {
    fc.assert(
      fc.property(zone, start, minute, hour, (timeZone, from, m, h) => {
        const cron = `${m} ${h} * * *`
        const ticks = readCron(cron, timeZone)
        const found: number[] = []
        const to = from + 2 * DAY
        for (let tick = ticks.after(new Date(from)); tick && tick.getTime() < to; tick = ticks.after(tick)) {
          found.push(tick.getTime())
        }
        expect(found).toEqual(ticksByHand(cron, timeZone, from, to))
      }),
      { numRuns: 60 },
    )
  })

  test('an hourly schedule skips no hour and doubles none, whatever clocks do', () => {
    const wholeHours = fc.constantFrom(...ZONES.filter((it) => it !== 'Australia/Lord_Howe'))
    fc.assert(
      fc.property(wholeHours, start, fc.integer({ min: 0, max: 59 }), (timeZone, from, m) => {
        const ticks = nextTicks(readCron(`${m} * * * *`, timeZone), new Date(from), 60).map((tick) => tick.getTime())
        for (const [index, tick] of ticks.slice(1).entries()) expect(tick - (ticks[index] ?? 0)).toBe(HOUR)
      }),
    )
  })

  test('it makes no difference at what instant between two ticks one asks', () => {
    fc.assert(
      fc.property(zone, start, minute, hour, fc.nat(DAY), (timeZone, from, m, h, later) => {
        const ticks = readCron(`${m} ${h} * * *`, timeZone)
        const next = ticks.after(new Date(from))?.getTime() ?? 0
        expect(next).toBeGreaterThan(from)
        const between = Math.min(from + later, next - 1)
        expect(ticks.after(new Date(between))?.getTime()).toBe(next)
      }),
    )
  })

  test('the latest tick before now is the one that counting on from an earlier one gives', () => {
    fc.assert(
      fc.property(zone, start, minute, hour, fc.integer({ min: 0, max: 4 * DAY }), (timeZone, from, m, h, later) => {
        const ticks = readCron(`${m} ${h} * * *`, timeZone)
        const known = ticks.after(new Date(from)) ?? expect.unreachable()
        const now = new Date(known.getTime() + later)
        let counted = known
        for (let tick = ticks.after(known); tick && tick <= now; tick = ticks.after(tick)) counted = tick
        expect(latestTick(ticks, known, now)).toEqual(counted)
      }),
      { numRuns: 40 },
    )
  })
})

test('the latest of a year of ticks each ten seconds is found without counting them', () => {
  const ticks = readCron('*/10 * * * * *', 'Europe/Berlin')
  const now = new Date('2026-11-23T12:34:56Z')
  expect(latestTick(ticks, new Date('2025-11-23T00:00:00Z'), now)).toEqual(new Date('2026-11-23T12:34:50Z'))
})

test('reads six fields with the second first', () => {
  const ticks = nextTicks(readCron('5 0 3 * * *', 'UTC'), new Date('2026-01-01T00:00Z'), 2)
  expect(ticks.map((tick) => tick.toISOString())).toEqual(['2026-01-01T03:00:05.000Z', '2026-01-02T03:00:05.000Z'])
})

test('a time that never comes has no ticks', () => {
  expect(readCron('0 0 30 2 *', 'UTC').after(new Date())).toBeNull()
})

describe('refuses by name, and says why', () => {
  test.for<[cron: string, timeZone: string, field: string, why: string]>([
    ['* * * *', 'UTC', 'cron', 'expected 5 fields'],
    ['* * * * * * *', 'UTC', 'cron', 'expected 5 fields'],
    ['@daily', 'UTC', 'cron', 'expected 5 fields'],
    ['2026-01-01T00:00:00', 'UTC', 'cron', 'expected 5 fields'],
    ['', 'UTC', 'cron', 'expected 5 fields'],
    ['61 * * * *', 'UTC', 'cron', 'Invalid value for minute: 61'],
    ['0 25 * * *', 'UTC', 'cron', 'Invalid value for hour: 25'],
    ['0 0 * * 8', 'UTC', 'cron', 'dayOfWeek: 8'],
    ['0 0 0 * *', 'UTC', 'cron', 'Invalid value for day: 0'],
    ['0 0 5-32 * *', 'UTC', 'cron', 'Invalid value for day: 32'],
    ['0 0 32W * *', 'UTC', 'cron', 'Invalid value for nearestWeekdays: 32'],
    ['0 0 * 13 *', 'UTC', 'cron', 'Invalid value for month: 13'],
    ['*/0 * * * *', 'UTC', 'cron', 'stepping'],
    ['a b c d e', 'UTC', 'cron', 'illegal characters'],
    ['*/5 * * * * *', 'UTC', 'cron', 'at least 10 s apart: the seconds */5 come as close as 5 s'],
    ['*/7 * * * * *', 'UTC', 'cron', 'as close as 4 s'],
    ['0,55 * * * * *', 'UTC', 'cron', 'as close as 5 s'],
    ['* * * * * *', 'UTC', 'cron', 'as close as 1 s'],
    ['0 0 * * *', 'Mars/Olympus', 'timeZone', '"Mars/Olympus" is no time zone'],
    ['0 0 * * *', '', 'timeZone', 'is no time zone'],
  ])('%s in %s', ([cron, timeZone, field, why]) => {
    const refusal = refusalOf(() => readCron(cron, timeZone))
    expect(refusal).toMatchObject({ code: 'VALIDATION_FAILED', errors: [{ path: field }] })
    expect(refusal.message).toContain(why)
  })
})

const refusalOf = (work: () => unknown): StintError => {
  try {
    work()
  } catch (error) {
    if (error instanceof StintError) return error
    throw error
  }
  return expect.unreachable('it was taken')
}
