import { runInNewContext } from 'node:vm'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import * as events from '../../db/queries/events.ts'
import * as jobs from '../../db/queries/jobs.ts'
import * as stints from '../../db/queries/stints.ts'
import { createEngine, insertJobs, invoke } from '../../tests/support/engine.ts'
import { oddThread } from '../../tests/support/engine-thread-kinds.ts'
import { test } from '../../tests/support/world.ts'
import { defineJob, PermanentError } from './define.ts'
import { MAX_STACK_BYTES, stackOf } from './stack.ts'

describe('the stack of what a job threw', () => {
  test('is kept with its stint, and is told to nobody', async ({ world: { app, sql } }) => {
    const [id = ''] = await insertJobs(app, [{ kind: 'test.fail', input: '{"how":"error"}', maxAttempts: 1 }])
    await invoke(createEngine(app))
    const [stint] = await stints.list(sql, id, 0, 10)
    expect(stint).toMatchObject({ outcome: 'failed', error: { code: 'Error', message: 'it broke' } })
    expect(stint?.stack).toMatch(/^Error: it broke\n {4}at .*\(?tests\/support\/engine\.ts:\d+:\d+\)?/)
    expect(stint?.stack).not.toContain(process.cwd())

    const error = { code: 'Error', message: 'it broke' }
    expect(await jobs.find(sql, id)).toMatchObject({ state: 'failed', error })
    expect((await jobs.find(sql, id))?.error).toEqual(error)
    expect((await events.list(sql, id, 0, 10)).at(-1)).toMatchObject({ type: 'job.failed', data: { error } })
    expect(JSON.stringify(await events.list(sql, id, 0, 10))).not.toContain('engine.ts')
    expect(await stints.findStack(sql, id, error)).toBe(stint?.stack)
    expect(await stints.findStack(sql, id, { code: 'REPLACED', message: 'another one' })).toBeNull()
  })

  test('is not kept of errors that say all there is to know, nor of a success', async ({ world: { app, sql } }) => {
    const ids = await insertJobs(app, [
      { kind: 'test.fail', input: '{"how":"permanent"}' },
      { kind: 'test.fail', input: '{"how":"later"}' },
      {},
    ])
    await invoke(createEngine(app))
    const ended = await Promise.all(ids.map((id) => stints.list(sql, id, 0, 10)))
    expect(ended.map(([stint]) => [stint?.outcome, stint?.stack])).toEqual([
      ['failed', null],
      ['postponed', null],
      ['succeeded', null],
    ])
  })

  test('is kept of what caused an error that says all there is to know', async ({ world: { app, sql } }) => {
    const caused = defineJob({
      kind: 'test.caused',
      summary: 'Throws',
      input: z.object({}),
      output: z.null(),
      async *run() {
        throw new PermanentError('NOT_THERE', 'as told', { cause: new TypeError('no map') })
      },
    })
    const [id = ''] = await insertJobs(app, [{ kind: 'test.caused', input: '{}' }])
    const [other = ''] = await insertJobs(app, [{ kind: 'test.odd-thread', input: '{"how":"a permanent one"}' }])
    await invoke(createEngine(app, [caused, oddThread]))
    const [shared] = await stints.list(sql, id, 0, 10)
    const [threaded] = await stints.list(sql, other, 0, 10)
    const error = { code: 'NOT_THERE', message: 'as told' }
    expect([shared?.error, threaded?.error]).toEqual([error, error])
    expect(shared?.stack).toMatch(/^TypeError: no map\n {4}at .*lib\/jobs\/stack\.test\.ts:\d+/)
    expect(threaded?.stack).toMatch(/^TypeError: no map\n {4}at .*tests\/support\/engine-thread-kinds\.ts:\d+/)
  })

  test('comes out of a thread too, with its cause', async ({ world: { app, sql } }) => {
    const input = JSON.stringify({ how: 'an error with a cause' })
    const [id = ''] = await insertJobs(app, [{ kind: 'test.odd-thread', input, maxAttempts: 1 }])
    await invoke(createEngine(app, [oddThread]))
    const [stint] = await stints.list(sql, id, 0, 10)
    expect(stint?.error).toEqual({ code: 'RangeError', message: 'too far' })
    expect(stint?.stack).toMatch(/^RangeError: too far\n {4}at .*tests\/support\/engine-thread-kinds\.ts:\d+/)
    expect(stint?.stack).toMatch(/\ncaused by: TypeError: no map\n {4}at .*tests\/support\/engine-thread-kinds\.ts:\d+/)
    expect(stint?.stack).not.toMatch(/run-thread|thrown\.ts/)
  })

  test('that PostgreSQL would refuse is stored without what it refuses', async ({ world: { app, sql } }) => {
    const odd = defineJob({
      kind: 'test.odd',
      summary: 'Throws',
      input: z.object({}),
      output: z.null(),
      async *run() {
        throw new Error('a\0b\u001b[31mred\ud800 \u0007ding')
      },
    })
    const [id = ''] = await insertJobs(app, [{ kind: 'test.odd', input: '{}', maxAttempts: 1 }])
    await invoke(createEngine(app, [odd]))
    const [stint] = await stints.list(sql, id, 0, 10)
    expect(stint?.stack?.split('\n')[0]).toBe('Error: a bred\ufffd  ding')
  })
})

describe('a stack', () => {
  const withStack = (stack: unknown, over: object = {}) => Object.assign(new Error('it broke'), { stack, ...over })

  test('names places from the root of the application, or of the packages, or else the file alone', () => {
    const here = process.cwd()
    const given = [
      'Error: in /home/ada/x.txt',
      `    at GET /jobs (file://${here}/lib/a.ts:1:2)`,
      `    at async ${here}/lib/b.ts:3:4`,
      `    at new C (${here}/node_modules/zod/c.js:5:6)`,
      '    at async Promise.all (index 0)',
      '    at async file:///home/ada%20b(1)/node_modules/zod/d.js:7:8',
      '    at e (/home/ada b/c (1)/e.js:9:10)',
      '    at eval (eval at f (file:///srv/f.mjs:6:6), <anonymous>:1:6)',
      '    at node:internal/process/task_queues:103:5',
    ].join('\n')
    expect(stackOf(withStack(given))?.split('\n')).toEqual([
      'Error: in /home/ada/x.txt',
      '    at GET /jobs (lib/a.ts:1:2)',
      '    at async lib/b.ts:3:4',
      '    at new C (node_modules/zod/c.js:5:6)',
      '    at async Promise.all (index 0)',
      '    at async node_modules/zod/d.js:7:8',
      '    at e (e.js:9:10)',
      '    at eval (eval at f (f.mjs:6:6), <anonymous>:1:6)',
      '    at node:internal/process/task_queues:103:5',
    ])
  })

  test('has those of its causes and of the errors that it gathers, each once, however they hang together', () => {
    const root = new Error('root')
    const cause = new Error('middle', { cause: root })
    root.cause = cause
    const all = new AggregateError([new Error('first'), root, 'text'], 'many', { cause })
    const text = stackOf(all)
    expect(text?.match(/^(?:\w[\w ]*: )?\w*Error: \w+$/gm)).toEqual([
      'AggregateError: many',
      'one of them: Error: first',
      'one of them: Error: root',
      'caused by: Error: middle',
    ])
    const hundred = new AggregateError(Array.from({ length: 100 }, (_, nth) => new Error(`${nth}`)))
    expect(stackOf(hundred)?.match(/one of them/g)).toHaveLength(9)
  })

  test('is cut to 8 KiB in whole characters, with a note, and has room for its places below a long message', () => {
    const long = new Error('é'.repeat(100_000))
    expect(stackOf(new Error(`x${'\u{1f600}'.repeat(1_000)}`))?.isWellFormed()).toBe(true)
    expect(stackOf(withStack(`x${'\u{1f600}'.repeat(1_000)}\n    at a (b.ts:1:2)`))?.isWellFormed()).toBe(true)
    expect(stackOf(long)).toMatch(/^Error: é{500}…\n {4}at .*stack\.test\.ts/)
    const wide = withStack(`Error: it broke\n${'    at ééééééééééééééé (x.ts:1:2)\n'.repeat(1_000)}`)
    const text = stackOf(wide) ?? ''
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_STACK_BYTES)
    expect(text).toMatch(/\n… cut$/)
    expect(text).not.toContain('\ufffd')
    expect(stackOf(withStack(text))).toBe(text)
  })

  test('is there of nothing that has no place, and costs no job its end', () => {
    const throwing = Object.defineProperty(new Error('x'), 'stack', {
      get: () => {
        throw new Error('not to be read')
      },
    })
    const none = ['text', undefined, null, withStack(5), withStack('Error: it broke'), throwing]
    expect(none.map(stackOf)).toEqual(none.map(() => undefined))
    const { proxy, revoke } = Proxy.revocable(new Error('gone'), {})
    revoke()
    expect(stackOf(proxy)).toBeUndefined()
    expect(stackOf(new Error('outer', { cause: proxy }))).toMatch(/^Error: outer\n {4}at /)
    expect(stackOf(runInNewContext('new Error("elsewhere")'))).toBeUndefined()
    // A page that a job read may bring anything into a message.
    const hostile = new Error(`\n    at ${'(/'.repeat(50_000)}`)
    expect(stackOf(withStack(hostile.message + hostile.stack))).toBeDefined()
  })
})
