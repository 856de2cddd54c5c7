import { expect, test } from 'vitest'
import { timeOfDay } from '../../parts/format.ts'
import { readLogLine } from './log-line.ts'

test('a line of our own processes is read', () => {
  const text =
    '{"level":40,"time":"2026-11-25T13:52:19.113Z","name":"host","pid":7,"hostname":"m","route":"GET /jobs","msg":"slow"}'
  expect(readLogLine(text)).toEqual({
    time: timeOfDay('2026-11-25T13:52:19.113Z'),
    level: 'warn',
    message: 'slow',
    rest: '{"route":"GET /jobs"}',
  })
})

test('so is one of the broker', () => {
  const text = '{"timestamp":"2026-11-25T13:52:19.113649Z","level":"INFO","fields":{"message":"Mock cluster enabled"}}'
  expect(readLogLine(text)).toEqual({
    time: timeOfDay('2026-11-25T13:52:19.113Z'),
    level: 'info',
    message: 'Mock cluster enabled',
    rest: '',
  })
})

test('any other text is none', () => {
  for (const text of ['', 'LOG:  database system is ready', '{', '{"a":1}', '[1]', '{"msg":1,"time":2}'])
    expect(readLogLine(text)).toBeUndefined()
})
