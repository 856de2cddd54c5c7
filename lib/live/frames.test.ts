import { expect, test } from 'vitest'
import { createFramer, MAX_FRAME_BYTES } from './frames.ts'
import type { LiveEvent } from './live-event.ts'

const event = (seq: number, data: Record<string, unknown>): LiveEvent => ({
  type: 'job.progressed',
  jobId: 'j',
  projectId: 'p',
  seq,
  createdAt: '2026-11-23T00:00:00Z',
  xid: 1,
  data,
})
const unpack = (frames: string[]): LiveEvent[] => frames.flatMap((frame) => JSON.parse(frame).events)

test('events fill messages of at most 128 KB, in their order, whatever their characters weigh', () => {
  const events = Array.from({ length: 400 }, (_, seq) => event(seq, { text: '🙂ä"\\'.repeat(100) }))
  const frames = createFramer()(events)
  expect(unpack(frames)).toEqual(events)
  expect(frames.length).toBeGreaterThan(2)
  for (const frame of frames) expect(Buffer.byteLength(frame)).toBeLessThanOrEqual(MAX_FRAME_BYTES)
  expect(Buffer.byteLength(frames[0] ?? '')).toBeGreaterThan(MAX_FRAME_BYTES - 2_000)
})

test('an event that no message could carry comes without its data', () => {
  const [small, large] = [event(1, {}), event(2, { text: 'ä'.repeat(MAX_FRAME_BYTES / 2) })]
  const { data: _, ...rest } = large
  expect(unpack(createFramer()([small, large, small]))).toEqual([small, rest, small])
})

test('an event just below the limit is carried whole', () => {
  const overhead = JSON.stringify({ type: 'events', events: [event(1, { text: '' })] }).length
  const fits = event(1, { text: 'x'.repeat(MAX_FRAME_BYTES - overhead - 1) })
  const frames = createFramer()([fits])
  expect(unpack(frames)).toEqual([fits])
  expect(frames[0]?.length).toBeLessThanOrEqual(MAX_FRAME_BYTES)
})

test('no message is a byte too large, however little is left of it', () => {
  const half = event(1, { text: 'x'.repeat(MAX_FRAME_BYTES / 2) })
  const overhead = JSON.stringify({ type: 'events', events: [half, event(2, { text: '' })] }).length
  for (const over of [-2, -1, 0, 1, 2]) {
    const events = [half, event(2, { text: 'x'.repeat(MAX_FRAME_BYTES - overhead + over) })]
    const frames = createFramer()(events)
    expect(unpack(frames)).toEqual(events)
    expect(Math.max(...frames.map((frame) => frame.length))).toBeLessThanOrEqual(MAX_FRAME_BYTES)
  }
})

test('no events make no message', () => {
  expect(createFramer()([])).toEqual([])
})
