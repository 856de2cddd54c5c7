import sharp from 'sharp'
import { describe, expect } from 'vitest'
import { digits, iris, type Sample } from '../../infra/models/samples.ts'
import { newId } from '../../lib/core/ids.ts'
import { identity, ofColumns, ofShape } from '../../tests/support/onnx-models.ts'
import { jobIn, runInShortestStints, runKind } from '../../tests/support/run-kind.ts'
import { test, type World } from '../../tests/support/world.ts'
import { modelRun } from './model-run.ts'

interface Result {
  rows: number
  predictions: { row: number; label?: string; score?: number; outputs: Record<string, unknown> }[]
  fileId: string
}

const inProject = async ({ app, sql }: World) => {
  const projectId = newId()
  await sql`INSERT INTO projects (id, name) VALUES (${projectId}, 'A project')`
  const context = jobIn(app, projectId)
  const add = async (bytes: Buffer | string, contentType = 'text/csv', name = 'table.csv') =>
    (await jobIn(app, projectId).files.write({ name, contentType, bytes: Buffer.from(bytes) })).fileId
  const read = async (fileId: string) => (await context.files.read(fileId, { maxBytes: 1e8 })).bytes.toString()
  const run = async (input: object) => (await runKind(modelRun, { input, context })).result as Result
  return { context, add, read, run }
}

const IRIS_HEAD = 'sepal length,sepal width,petal length,petal width'
const table = (samples: Sample[], head?: string) =>
  [...(head ? [head] : []), ...samples.map(({ features }) => features.join(','))].join('\n')

const rightOf = (result: string, samples: Sample[], classes: string[]) => {
  const labels = result
    .trim()
    .split('\r\n')
    .slice(1)
    .map((line) => line.split(',')[1])
  expect(labels).toHaveLength(samples.length)
  return samples.filter(({ class: of }, index) => classes[of] === labels[index]).length / samples.length
}

describe('the models that come with Stint', () => {
  test('tell flowers that they never saw', async ({ world }) => {
    const { add, read, run } = await inProject(world)
    const { heldOut } = iris()
    const { rows, predictions, fileId } = await run({ model: 'iris', fileId: await add(table(heldOut, IRIS_HEAD)) })
    expect(rows).toBe(30)
    expect(predictions).toHaveLength(30)
    expect(predictions[0]).toEqual({
      row: 1,
      label: expect.stringMatching(/^(setosa|versicolor|virginica)$/),
      score: expect.any(Number),
      outputs: { probabilities: [expect.any(Number), expect.any(Number), expect.any(Number)] },
    })
    const written = await read(fileId)
    expect(written.split('\r\n')[0]).toBe(
      'row,label,score,probabilities[setosa],probabilities[versicolor],probabilities[virginica]',
    )
    expect(rightOf(written, heldOut, ['setosa', 'versicolor', 'virginica'])).toBeGreaterThanOrEqual(0.96)
  })

  test('tell digits that they never saw, from a table of pixels', async ({ world }) => {
    const { add, read, run } = await inProject(world)
    const { heldOut } = digits()
    const { fileId } = await run({ model: 'digits', headerless: true, fileId: await add(table(heldOut)) })
    const classes = Array.from({ length: 10 }, (_, digit) => String(digit))
    expect(rightOf(await read(fileId), heldOut, classes)).toBeGreaterThanOrEqual(0.97)
  })

  test('tell digits from pictures', async ({ world }) => {
    const { add, run } = await inProject(world)
    const told = []
    const some = digits().heldOut.slice(0, 5)
    for (const { features } of some) {
      const pixels = Uint8Array.from(features, (it) => Math.round(it * 255))
      const picture = sharp(pixels, { raw: { width: 8, height: 8, channels: 1 } }).png()
      const { rows, predictions } = await run({
        model: 'digits',
        fileId: await add(await picture.toBuffer(), 'image/png'),
      })
      expect(rows).toBe(1)
      told.push(Number(predictions[0]?.label))
    }
    expect(told).toEqual(some.map((it) => it.class))
  })
})

describe('a model', () => {
  test('comes to the same through as many stints as there are batches', async ({ world }) => {
    const { context, add, read, run } = await inProject(world)
    // Long lines, so that there are parts.
    const rows = Array.from({ length: 1_000 }, (_, row) => Array.from({ length: 200 }, (_, it) => row * 1.25 + it))
    const fileId = await add(rows.map((it) => it.join(',')).join('\n'))
    const model = await add(ofShape(['N', 200]), 'application/octet-stream')
    const whole = await run({ model, fileId, headerless: true })
    const { stints, result } = await runInShortestStints(modelRun, {
      input: { model, fileId, headerless: true },
      context,
    })
    // Four batches and the file of all.
    expect(stints).toBe(4 + 1 + 1)
    const { predictions, fileId: madeId } = result as Result
    expect(predictions).toEqual(whole.predictions)
    // As many as there is room for.
    expect(predictions.length).toBeGreaterThan(10)
    expect(predictions.length).toBeLessThan(100)
    const lines = (await read(madeId)).trim().split('\r\n')
    expect(lines).toHaveLength(1_001)
    expect(lines.at(-1)).toBe(`1000,${rows.at(-1)?.join(',')}`)
    expect(await read(whole.fileId)).toBe(await read(madeId))
    const names = await world.sql`SELECT name FROM files WHERE job_id = ${context.job.id}`
    expect(names.map((it) => it['name'])).toEqual(['table-predictions.csv', 'table-predictions.csv'])
  })

  test('shows what it has told so far', async ({ world }) => {
    const { context, add } = await inProject(world)
    const fileId = await add(`x\n${Array.from({ length: 600 }, (_, row) => row).join('\n')}\n`)
    const model = await add(identity(), 'application/octet-stream')
    const { safePoints } = await runKind(modelRun, { input: { model, fileId }, context })
    expect(safePoints).toHaveLength(4)
    expect(safePoints[0]).toMatchObject({ partial: { rows: 256, predictions: { length: 100 } }, durable: false })
    expect(safePoints[0]?.progress).toBeGreaterThan(0)
    expect(safePoints.at(-1)).toMatchObject({ progress: 1, durable: true })
  })

  test('takes the columns that it is told to, in that order', async ({ world }) => {
    const { add, run } = await inProject(world)
    const fileId = await add('name;b;a\nx;1;2\n')
    const model = await add(ofShape(['N', 2]), 'application/octet-stream')
    const { predictions } = await run({ model, fileId, columns: ['a', 'b'] })
    expect(predictions[0]?.outputs).toEqual({ y: [2, 1] })
  })

  test('takes the columns that its metadata names, and tells the classes that it names', async ({ world }) => {
    const { add, run } = await inProject(world)
    const metadata = [
      { key: 'columns', value: '["The a"]' },
      { key: 'classes', value: '["no"]' },
    ]
    const model = await add(identity({ metadata }), 'application/octet-stream')
    const { predictions } = await run({ model, fileId: await add('b,the_A\n1,2\n') })
    expect(predictions).toEqual([{ row: 1, label: 'no', score: 2, outputs: { y: 2 } }])
    const named = await run({ model, fileId: await add('b,the_A\n1,2\n'), columns: ['b'], classes: ['yes'] })
    expect(named.predictions).toEqual([{ row: 1, label: 'yes', score: 1, outputs: { y: 1 } }])
  })

  test('that has an input for each column gets each, words too', async ({ world }) => {
    const { add, read, run } = await inProject(world)
    const model = await add(ofColumns(), 'application/octet-stream')
    const { predictions, fileId } = await run({ model, fileId: await add('colour,id,height\n=red,1,2.5\n') })
    expect(predictions[0]?.outputs).toEqual({ y: 2.5, seen: '=red' })
    expect(await read(fileId)).toBe("row,y,seen\r\n1,2.5,'=red\r\n")
  })

  test('may say words of any length: they are not cut within a character', async ({ world }) => {
    const { add, run } = await inProject(world)
    const model = await add(ofColumns(), 'application/octet-stream')
    const fileId = await add(`colour,id,height\n${'a'.repeat(199)}😀,1,2.5\n`)
    const { predictions } = await run({ model, fileId })
    expect(predictions[0]?.outputs).toEqual({ y: 2.5, seen: `${'a'.repeat(199)}\ufffd` })
  })

  test('that takes one row at a time gets one at a time', async ({ world }) => {
    const { add, run } = await inProject(world)
    const model = await add(ofShape([1, 1]), 'application/octet-stream')
    const { predictions } = await run({ model, fileId: await add('x\n1\n2\n3\n') })
    expect(predictions.map((it) => it.outputs['y'])).toEqual([1, 2, 3])
  })

  test('that says nothing of how many rows it takes takes any, as those of scikit-learn', async ({ world }) => {
    const { add, run } = await inProject(world)
    for (const shape of [
      [null, 2],
      [null, null],
    ]) {
      const model = await add(ofShape(shape), 'application/octet-stream')
      const { predictions } = await run({ model, fileId: await add('a,b\n1,2\n3,4\n') })
      expect(predictions.map((it) => it.outputs['y'])).toEqual([
        [1, 2],
        [3, 4],
      ])
    }
  })

  test('gets what is missing as no number, and what is no number comes back as null', async ({ world }) => {
    const { add, run } = await inProject(world)
    const model = await add(ofShape(['N', 2]), 'application/octet-stream')
    const { predictions } = await run({ model, fileId: await add('a,b\n1,\n') })
    expect(predictions[0]?.outputs).toEqual({ y: [1, null] })
  })

  test('of whole numbers gets whole numbers', async ({ world }) => {
    const { add, run } = await inProject(world)
    const model = await add(ofShape(['N', 1], 7), 'application/octet-stream')
    expect((await run({ model, fileId: await add('a\n12\n') })).predictions[0]?.outputs).toEqual({ y: 12 })
    await expect(run({ model, fileId: await add('a\n1.5\n') })).rejects.toThrow('Row 1, a: expected a whole number')
  })

  test.for([
    [2, 'uint8', '255', '256'],
    [3, 'int8', '-128', '-129'],
    [6, 'int32', '-2147483648', '2147483648'],
    [12, 'uint32', '4294967295', '-1'],
    [13, 'uint64', '9007199254740991', '-1'],
  ] as const)('of small whole numbers, %i: %s, gets no others', async ([element, type, good, bad], { world }) => {
    const { add, run } = await inProject(world)
    const model = await add(ofShape(['N', 1], element), 'application/octet-stream')
    expect((await run({ model, fileId: await add(`a\n${good}\n`) })).predictions[0]?.outputs).toEqual({ y: +good })
    const message = `Row 1, a: expected a number that ${type} has room for, and not ${bad}.`
    await expect(run({ model, fileId: await add(`a\n${bad}\n`) })).rejects.toThrow(message)
  })

  test('of colours gets the channels of a picture, one after the other, less the mean', async ({ world }) => {
    const { add, run } = await inProject(world)
    const red = sharp({ create: { width: 20, height: 20, channels: 3, background: '#ff0000' } }).png()
    const model = await add(ofShape(['N', 3, 1, 1]), 'application/octet-stream')
    const fileId = await add(await red.toBuffer(), 'image/png')
    expect((await run({ model, fileId })).predictions[0]?.outputs).toEqual({ y: [1, 0, 0] })
    const scaled = await run({ model, fileId, mean: [0.5, 0.5, 0.5], std: [0.5, 0.25, 0.5] })
    expect(scaled.predictions[0]?.outputs).toEqual({ y: [1, -2, -1] })
  })

  test('of pictures larger than there is room for is refused', async ({ world }) => {
    const { add, run } = await inProject(world)
    const dot = sharp({ create: { width: 1, height: 1, channels: 3, background: '#ff0000' } }).png()
    const model = await add(ofShape([1, 3, 16_000, 16_000]), 'application/octet-stream')
    const running = run({ model, fileId: await add(await dot.toBuffer(), 'image/png') })
    await expect(running).rejects.toMatchObject({
      code: 'MODEL_UNSUPPORTED',
      message: expect.stringContaining('16000 × 16000'),
    })
  })

  test('of another project is not there', async ({ world }) => {
    const [{ run, add }, other] = [await inProject(world), await inProject(world)]
    const model = await other.add(identity(), 'application/octet-stream')
    await expect(run({ model, fileId: await add('x\n1\n') })).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' })
  })
})

test.for<[object, string]>([
  [{ model: 'resnet', fileId: newId() }, 'model'],
  [{ model: 'iris' }, 'fileId'],
  [{ model: 'iris', fileId: 'x' }, 'fileId'],
  [{ model: 'iris', fileId: newId(), columns: [] }, 'columns'],
  [{ model: 'iris', fileId: newId(), std: [0] }, 'std.0'],
  [{ model: 'iris', fileId: newId(), mean: [0, 0, 0, 0] }, 'mean'],
])('refuses %j and names the field', ([input, path]) => {
  expect(modelRun.input.safeParse(input).error?.issues[0]?.path.join('.')).toBe(path)
})
