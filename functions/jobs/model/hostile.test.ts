import { expect, test } from 'vitest'
import {
  endless,
  identity,
  ofDepth,
  ofNumbers,
  ofOperations,
  ofShape,
  ofWidth,
  withWeightsElsewhere,
  withWeightsThatLie,
} from '../../../tests/support/onnx-models.ts'
import { openModel } from './model-thread.ts'
import { readShipped } from './shipped.ts'

/** Runs a model to its end. */
const run = async (model: Buffer, { text = 'x\n1\n', seconds = 60, signal = new AbortController().signal } = {}) => {
  const task = { model, input: Buffer.from(text), isPicture: false, header: true, first: 0 }
  const thread = await openModel(task, { signal, seconds })
  try {
    const rows = []
    for (let batch = await thread.next(); batch; batch = await thread.next()) rows.push(...batch.rows)
    return rows
  } finally {
    await thread.close()
  }
}

const digits = await readShipped('digits')

test.for<[string, Buffer, string]>([
  ['that is empty', Buffer.alloc(0), 'MODEL_UNREADABLE'],
  ['that is no model', Buffer.from('%PDF-1.7 and so on, for some bytes'), 'MODEL_UNREADABLE'],
  ['that ends in the middle', digits.subarray(0, digits.length / 2), 'MODEL_UNREADABLE'],
  ['whose last byte is missing', digits.subarray(0, -1), 'MODEL_UNREADABLE'],
  ['whose weights are in another file', withWeightsElsewhere(), 'MODEL_UNSUPPORTED'],
  ['whose weights are fewer than it says', withWeightsThatLie(), 'MODEL_UNREADABLE'],
  ['that makes 40 GB of two numbers', ofNumbers(100_000n), 'MODEL_OUT_OF_MEMORY'],
  ['that makes 1.6 GB of two numbers', ofNumbers(20_000n), 'MODEL_OUT_OF_MEMORY'],
  ['of more operations than there may be', ofOperations(20_001), 'MODEL_TOO_LARGE'],
  ['of graphs in graphs in graphs', ofDepth(20_000), 'MODEL_UNREADABLE'],
  ['with a fixed number of rows', ofShape([3, 1]), 'MODEL_UNSUPPORTED'],
  ['of a shape that nobody knows', ofShape(['N', 'a', 'b']), 'MODEL_UNSUPPORTED'],
  ['that gives 50 million numbers for a row', ofWidth(50_000_000n), 'MODEL_UNSUPPORTED'],
  ['that gives too much for a row', ofShape(['N', 'all']), 'MODEL_UNSUPPORTED'],
])('a model %s is refused, and why is said', async ([name, model, code]) => {
  const wide = `${Array.from({ length: 1_001 }, (_, index) => `c${index}`).join(',')}\n${Array(1_001).fill(1).join(',')}\n`
  const text = name.includes('too much') ? wide : 'x\n1\n'
  await expect(run(model, { text })).rejects.toMatchObject({ name: 'PermanentError', code })
})

test('a model that loops forever is ended', async () => {
  await expect(run(endless(), { seconds: 5 })).rejects.toMatchObject({ code: 'MODEL_TOO_SLOW' })
})

test('a job that is cancelled ends its model in the middle', async () => {
  const cancelled = new AbortController()
  const running = run(endless(), { signal: cancelled.signal })
  setTimeout(() => cancelled.abort(), 500)
  await expect(running).rejects.toThrow('aborted')
})

test.for<[string, string, string]>([
  ['no rows', '', 'has no rows'],
  ['a head only', 'x\n', 'has no rows'],
  ['a word', 'x\n1\n"a, b"\n', 'Row 2, x: expected a number, and not "a, b".'],
  ['an open quote', 'x\n"1\n2\n', 'Quote Not Closed'],
  ['rows of different lengths', 'x\n1,2\n', 'Invalid Record Length'],
  ['more columns than the model takes', 'x,y\n1,2\n', 'takes 1 values a row, and the table has 2'],
  ['bytes of another kind', '\0\x01\x02"\xff', 'Invalid Opening Quote'],
  ['a record without an end', `x\n"${'a'.repeat(1_100_000)}\n`, 'Max Record Size'],
])('a table with %s is refused, and where is said', async ([, text, message]) => {
  const refused = run(identity(), { text })
  await expect(refused).rejects.toMatchObject({ code: 'INPUT_UNREADABLE' })
  await expect(refused).rejects.toThrow(message)
})
