import { expect, test } from 'vitest'
import { newId } from '../core/ids.ts'
import { newTrace, readTraceparent, spanIdOf, spanIdOfJob, writeTraceparent } from './trace-context.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

test.for([
  ['recorded', `00-${TRACE}-${SPAN}-01`, true],
  ['not recorded', `00-${TRACE}-${SPAN}-00`, false],
  ['with other flags', `00-${TRACE}-${SPAN}-03`, true],
  ['of a later version', `01-${TRACE}-${SPAN}-01`, true],
  ['of a later version that says more', `cc-${TRACE}-${SPAN}-01-what-the-future-will-be-like`, true],
] as const)('a traceparent %s is read', ([, header, sampled]) => {
  expect(readTraceparent(header)).toEqual({ traceId: TRACE, spanId: SPAN, sampled })
})

test.for([
  ['nothing', undefined],
  ['an empty one', ''],
  ['words', 'on'],
  ['one of the version ff', `ff-${TRACE}-${SPAN}-01`],
  ['one of this version that says more', `00-${TRACE}-${SPAN}-01-more`],
  ['one that is cut off', `00-${TRACE}-${SPAN}`],
  ['capitals', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['a span of zeros', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['a trace that is too short', `00-${TRACE.slice(1)}-${SPAN}-01`],
  ['a span that is too long', `00-${TRACE}-${SPAN}0-01`],
  ['flags that are none', `00-${TRACE}-${SPAN}-0x`],
  ['two at once', `00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`],
  ['spaces', ` 00-${TRACE}-${SPAN}-01 `],
] as const)('%s is as if there were none', ([, header]) => {
  expect(readTraceparent(header)).toBeUndefined()
})

test('what is written can be read', () => {
  for (const sampled of [true, false]) {
    const context = newTrace(spanIdOfJob(newId()), sampled)
    expect(readTraceparent(writeTraceparent(context))).toEqual(context)
  }
})

test('the span of something is the same each time, and another for something else', () => {
  expect(spanIdOf('a:1')).toBe(spanIdOf('a:1'))
  expect(spanIdOf('a:1')).not.toBe(spanIdOf('a:2'))
  expect(spanIdOf('a:1')).toMatch(/^[\da-f]{16}$/)
})
