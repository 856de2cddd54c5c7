import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LiveEvent } from '../live/live-event.ts'
import { hasSeen, readPosition, writePosition } from '../live/position.ts'
import { createOrder } from './live-order.ts'

const event = (jobId: string, seq: number, xid: number, type = 'job.progressed'): LiveEvent => ({
  type,
  jobId,
  projectId: 'p',
  seq,
  createdAt: '2026-11-23T00:00:00Z',
  xid,
})
/** Everything below `xmax` has ended. */
const at = (xmax: number) => writePosition({ atSeconds: 0, seen: { xmin: xmax, xmax, inFlight: [] } })
const answer = (xmax: number, ...events: LiveEvent[]) => ({ events, after: at(xmax), hasMore: false, reset: false })
const seqs = ({ news }: { news: LiveEvent[] }) => news.map((it) => it.seq)

describe('a pushed event', () => {
  test('waits until the position is known', () => {
    const order = createOrder()
    expect(order.pushed([event('a', 1, 10)])).toEqual({ news: [], missing: true })
    expect(seqs(order.caughtUp(answer(5)))).toEqual([1])
  })

  test('is passed on at once when it is the next of its job, and once', () => {
    const order = createOrder()
    order.caughtUp(answer(5))
    expect(seqs(order.pushed([event('a', 1, 10), event('a', 2, 11), event('a', 1, 10)]))).toEqual([1, 2])
    expect(order.pushed([event('a', 2, 11)])).toEqual({ news: [], missing: false })
  })

  test('of before the position is dropped: a broker that lost its log gets old events again', () => {
    const order = createOrder()
    order.caughtUp(answer(5))
    expect(order.pushed([event('old', 1, 4), event('old', 9, 4)])).toEqual({ news: [], missing: false })
  })

  test('that does not follow what was heard waits for what was lost', () => {
    const order = createOrder()
    order.caughtUp(answer(5))
    order.pushed([event('a', 1, 10)])
    expect(order.pushed([event('a', 3, 12)])).toEqual({ news: [], missing: true })
    expect(seqs(order.caughtUp(answer(13, event('a', 1, 10), event('a', 2, 11), event('a', 3, 12))))).toEqual([2, 3])
    expect(seqs(order.pushed([event('a', 4, 14)]))).toEqual([4])
  })

  test('of a job that began before, and whose number is unknown, is asked for', () => {
    const order = createOrder()
    order.caughtUp(answer(5))
    expect(order.pushed([event('a', 7, 10)])).toEqual({ news: [], missing: true })
    expect(seqs(order.caughtUp(answer(11, event('a', 7, 10))))).toEqual([7])
  })

  test('that came while a catch-up was under way and is not in it asks for another', () => {
    const order = createOrder()
    order.caughtUp(answer(5))
    order.pushed([event('a', 7, 10)])
    expect(order.caughtUp(answer(9))).toEqual({ news: [], missing: true })
  })
})

test('after a reset everything counts anew', () => {
  const order = createOrder()
  order.caughtUp(answer(5))
  order.pushed([event('a', 1, 10)])
  expect(order.caughtUp({ ...answer(50), reset: true })).toEqual({ news: [], missing: false })
  expect(seqs(order.pushed([event('b', 1, 51)]))).toEqual([1])
})

test('a position survives being written, and nothing else is taken for one', () => {
  const position = {
    atSeconds: 1_800_000_000,
    seen: { xmin: 7, xmax: 12, inFlight: [7, 9] },
    page: { until: { xmin: 20, xmax: 20, inFlight: [] }, behindId: 33 },
  }
  expect(readPosition(writePosition(position))).toEqual(position)
  expect([6, 7, 8, 9, 11, 12].map((xid) => hasSeen(position, xid))).toEqual([true, false, true, false, true, false])
  for (const text of [
    '',
    '1',
    '1~',
    '1~5',
    '1~5.4',
    '1~4.5.',
    '1~4.5.x',
    '1~4.5~6.7',
    '-1~4.5',
    '1~4.5~6.7~8~9',
    '1~1e3.5',
  ])
    expect(readPosition(text), text).toBeUndefined()
})

// A database, its relay and a listener: transactions commit in any order, pushes repeat and get lost, catch-ups come at
// any time, answers are cut into pages.
test('whatever is lost, repeated or late, each event is passed on once and in order per job', () => {
  const step = fc.record({
    job: fc.nat(2),
    does: fc.constantFrom('begin', 'begin', 'commit', 'commit', 'push', 'lose', 'repeat', 'catch up', 'answer'),
    pick: fc.nat(5),
  })
  fc.assert(
    fc.property(fc.array(step, { minLength: 60, maxLength: 120, size: 'max' }), fc.nat(2), (steps, pageSize) => {
      let xid = 1
      const open: LiveEvent[] = []
      const committed: LiveEvent[] = []
      const unpublished: LiveEvent[] = []
      const heard: LiveEvent[] = []
      let asked: (() => void)[] = []
      const lastSeq = new Map<string, number>()
      const order = createOrder()
      let wants = true

      const take = ({ news, missing }: { news: LiveEvent[]; missing: boolean }) => {
        heard.push(...news)
        wants ||= missing
      }
      const snapshot = () => {
        const inFlight = open.map((it) => it.xid)
        return { xmin: Math.min(xid, ...inFlight), xmax: xid, inFlight: inFlight.toSorted((a, b) => a - b) }
      }
      const ask = (): (() => void) => {
        wants = false
        const position = order.after === undefined ? undefined : readPosition(order.after)
        const until = position?.page?.until ?? snapshot()
        if (!position) {
          const after = writePosition({ atSeconds: 0, seen: until })
          return () => take(order.caughtUp({ events: [], after, hasMore: false, reset: false }))
        }
        const behindId = position.page?.behindId ?? 0
        const missed = committed
          .filter((it) => !hasSeen(position, it.xid) && hasSeen({ atSeconds: 0, seen: until }, it.xid))
          .toSorted((a, b) => a.xid - b.xid)
          .filter((it) => it.xid > behindId)
        const events = missed.slice(0, pageSize + 1)
        const hasMore = events.length < missed.length
        const page = { until, behindId: events.at(-1)?.xid ?? 0 }
        const next = hasMore ? { atSeconds: 0, seen: position.seen, page } : { atSeconds: 0, seen: until }
        return () => take(order.caughtUp({ events, after: writePosition(next), hasMore, reset: false }))
      }

      for (const { job, does, pick } of steps) {
        const jobId = `job-${job}`
        if (does === 'begin' && !open.some((it) => it.jobId === jobId)) {
          const seq = (lastSeq.get(jobId) ?? 0) + 1
          lastSeq.set(jobId, seq)
          open.push(event(jobId, seq, xid++, pick === 0 ? 'job.failed' : 'job.progressed'))
        }
        if (does === 'commit')
          for (const it of open.splice(pick % (open.length || 1), 1)) {
            committed.push(it)
            unpublished.push(it)
          }
        if (does === 'push') for (const it of unpublished.splice(0, pick)) take(order.pushed([it]))
        if (does === 'lose') unpublished.splice(0, 1)
        if (does === 'repeat' && committed.length > 0) {
          const again = committed.slice(-pick - 1).filter((it) => !unpublished.includes(it))
          take(order.pushed(again))
        }
        if (does === 'catch up' && asked.length === 0) asked.push(ask())
        if (does === 'answer') {
          for (const reply of asked) reply()
          asked = []
        }
      }
      for (const reply of asked) reply()
      const from = readPosition(order.after ?? '')
      // Once to the end of what was begun, and once more for what came since.
      for (const _ of [1, 2]) for (wants = true; wants; ) ask()()
      const started = new Map<string, number>()
      for (const it of heard) {
        const before = started.get(it.jobId)
        if (before !== undefined) expect(it.seq).toBe(before + 1)
        started.set(it.jobId, it.seq)
      }
      for (const [jobId, seq] of started) {
        expect(seq).toBe(committed.filter((it) => it.jobId === jobId).reduce((max, it) => Math.max(max, it.seq), 0))
      }
      if (from) for (const it of committed.filter((one) => !hasSeen(from, one.xid))) expect(heard).toContainEqual(it)
    }),
    { numRuns: 200 },
  )
})
