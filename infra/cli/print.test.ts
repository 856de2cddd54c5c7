import { expect, test } from 'vitest'
import type { LiveEvent } from '../../lib/client/live.ts'
import { ProblemError } from '../../lib/client/problem-error.ts'
import { explain } from './explain.ts'
import { createNews } from './news.ts'
import { harmless, harmlessLines, size, toJson } from './print.ts'
import type { Session } from './session.ts'

/** Sets the clipboard, clears the screen, and does so again in eight bits; then turns the direction around. */
const EVIL = '\x1b]52;c;cm0gLXJm\x07\x1b[2J\x9b2J\x7f\r\n\t\u2028\u202E\u2067'
const HARMFUL = /[\p{Cc}\u2028\u2029\p{Bidi_Control}]/u

test('text that is not ours has no control characters, and of several lines only those that make them', () => {
  expect(harmless(`a${EVIL}ü😀`)).toBe(
    'a\uFFFD]52;c;cm0gLXJm\uFFFD\uFFFD[2J\uFFFD2J\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFDü😀',
  )
  expect(harmlessLines('a\tb\r\nc\x1b[2J\u202E')).toBe('a\tb\uFFFD\nc\uFFFD[2J\uFFFD')
  expect(harmless('\u200Fשלום\u200E')).toBe('\u200Fשלום\u200E')
})

test('JSON has them as escapes, and means the same', () => {
  const json = toJson({ [EVIL]: EVIL })
  expect(json).not.toMatch(HARMFUL)
  expect(JSON.parse(json)).toEqual({ [EVIL]: EVIL })
})

test('what is said of an error repeats none', () => {
  const errors = [{ path: EVIL, message: EVIL }]
  const response = { status: 422, statusText: '', headers: new Headers() }
  const problem = {
    type: '',
    status: 422,
    code: 'VALIDATION_FAILED',
    requestId: 'r',
    title: EVIL,
    detail: EVIL,
  } as const
  for (const given of [problem, { ...problem, errors }]) {
    const { message = '' } = explain(new ProblemError(response, given)) ?? {}
    expect(message.replaceAll('\n', '')).not.toMatch(HARMFUL)
  }
})

test('live news repeats none', async () => {
  const io = { env: {}, out: () => {}, err: () => {} }
  const say = createNews(io, {} as Session)
  const event = { jobId: 'j', projectId: 'p', seq: 1, xid: 1, createdAt: new Date().toISOString() }
  const queued = { ...event, type: 'job.queued', data: { kind: 'debug.noop', name: EVIL } } as LiveEvent
  const failed = { ...event, type: 'job.failed', data: { error: { code: 'X', message: EVIL } } } as LiveEvent
  for (const it of [queued, failed]) expect(await say(it)).not.toMatch(HARMFUL)
})

test('sizes have the unit that leaves few digits', () => {
  expect([0, 1_023, 1_024, 1_536 * 1_024, 3 * 1_024 ** 3, 5 * 1_024 ** 5].map(size)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 MiB',
    '3.0 GiB',
    '5120.0 TiB',
  ])
})
