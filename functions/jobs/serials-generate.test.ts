import { describe, expect } from 'vitest'
import * as deviceModels from '../../db/queries/device-models.ts'
import { newId } from '../../lib/core/ids.ts'
import { MAX_SERIAL_NUMBER, serialOf } from '../../lib/serials/serial.ts'
import { jobIn, runInShortestStints, runKind } from '../../tests/support/run-kind.ts'
import { test, type World } from '../../tests/support/world.ts'
import { serialsGenerate } from './serials-generate.ts'

/** A project with a device model. */
const addModel = async ({ sql }: World, code = '0111') => {
  const projectId = newId()
  await sql`INSERT INTO projects (id, name) VALUES (${projectId}, 'A project')`
  const model = await deviceModels.insert(sql, { id: newId(), projectId, code, name: 'A model' })
  return { projectId, modelId: model.id, code }
}

const stored = ({ sql }: World): Promise<{ number: number; serial: string; jobId: string }[]> =>
  sql`SELECT number, serial, job_id FROM serial_numbers ORDER BY number`

const summary = async ({ sql }: World) => {
  const [row] = await sql`SELECT count(*), min(number), max(number) FROM serial_numbers`
  return row
}

test('stores the serials, and tells the first and the last', async ({ world }) => {
  const { projectId, modelId, code } = await addModel(world)
  const context = jobIn(world.app, projectId)
  const input = { deviceModelCode: code, start: 1, count: 10 }
  const { result } = await runKind(serialsGenerate, { input, context })
  const first = serialOf(code, 1)
  const csv = `/device-models/${modelId}/serial-numbers.csv?first=1&last=10`
  const last = serialOf(code, 10)
  expect(result).toEqual({ deviceModelId: modelId, deviceModelCode: code, first, last, count: 10, csv })
  const numbers = Array.from({ length: 10 }, (_, index) => index + 1)
  expect(await stored(world)).toEqual(
    numbers.map((number) => ({ number, serial: serialOf(code, number), jobId: context.job.id })),
  )
})

test('makes the same serials in SQL as in the library, at both ends and for codes with letters', async ({ world }) => {
  const { projectId, code } = await addModel(world, 'AZ-09')
  for (const start of [0, MAX_SERIAL_NUMBER - 99]) {
    const input = { deviceModelCode: code, start, count: 100 }
    await runKind(serialsGenerate, { input, context: jobIn(world.app, projectId) })
  }
  const rows = await stored(world)
  expect(rows).toHaveLength(200)
  expect(rows.map((row) => row.serial)).toEqual(rows.map((row) => serialOf(code, row.number)))
})

test('comes to the same rows through as many stints as there are safe points', async ({ world }) => {
  const { projectId, code } = await addModel(world)
  const input = { deviceModelCode: code, start: 17, count: 22_222 }
  const { stints, result } = await runInShortestStints(serialsGenerate, { input, context: jobIn(world.app, projectId) })
  expect(stints).toBeGreaterThan(3)
  expect(result).toMatchObject({ count: 22_222 })
  expect(await summary(world)).toEqual({ count: 22_222, min: 17, max: 22_238 })
})

test('a stint whose checkpoint was lost makes no duplicate and no gap', async ({ world }) => {
  const { projectId, code } = await addModel(world)
  const input = { deviceModelCode: code, start: 0, count: 12_000 }
  const jobId = newId()
  await runKind(serialsGenerate, { input, context: jobIn(world.app, projectId, { jobId }), stopAt: 2 })
  const again = await runKind(serialsGenerate, { input, context: jobIn(world.app, projectId, { jobId, stint: 2 }) })
  expect(again.result).toMatchObject({ count: 12_000 })
  expect(await summary(world)).toEqual({ count: 12_000, min: 0, max: 11_999 })
})

test('tells how many are stored, up to all of them', async ({ world }) => {
  const { projectId, code } = await addModel(world)
  const input = { deviceModelCode: code, start: 1, count: 10_001 }
  const { safePoints } = await runKind(serialsGenerate, { input, context: jobIn(world.app, projectId) })
  expect(safePoints.at(-1)).toEqual({ checkpoint: { next: 10_002 }, progress: 1, partial: { stored: 10_001 } })
})

describe('numbers of another job', () => {
  test('are refused before anything is stored', async ({ world }) => {
    const { projectId, code } = await addModel(world)
    const run = (start: number, count: number) =>
      runKind(serialsGenerate, {
        input: { deviceModelCode: code, start, count },
        context: jobIn(world.app, projectId),
      })
    await run(20_000, 10)
    await expect(run(1, 30_000)).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'SERIALS_TAKEN',
      message: expect.stringContaining(serialOf(code, 20_000)),
    })
    expect(await summary(world)).toEqual({ count: 10, min: 20_000, max: 20_009 })
    await run(19_990, 10)
    expect(await summary(world)).toMatchObject({ count: 20 })
  })

  test('that appear while the job runs are refused too, and what it had stored stays its own', async ({ world }) => {
    const { projectId, code } = await addModel(world)
    const input = { deviceModelCode: code, start: 1, count: 20_000 }
    const context = jobIn(world.app, projectId)
    const { checkpoint } = await runKind(serialsGenerate, { input, context, stopAt: 1 })
    const other = { deviceModelCode: code, start: 15_000, count: 1 }
    await runKind(serialsGenerate, { input: other, context: jobIn(world.app, projectId) })
    await expect(runKind(serialsGenerate, { input, context, checkpoint })).rejects.toMatchObject({
      code: 'SERIALS_TAKEN',
      message: expect.stringContaining(serialOf(code, 15_000)),
    })
    expect(await summary(world)).toEqual({ count: 5_001, min: 1, max: 15_000 })
  })

  test('go to one job, of several that want them at once', async ({ world }) => {
    const { projectId, code } = await addModel(world)
    const input = { deviceModelCode: code, start: 1, count: 10_000 }
    const runs = await Promise.allSettled(
      [1, 2, 3].map(() => runKind(serialsGenerate, { input, context: jobIn(world.app, projectId) })),
    )
    expect(runs.map((run) => run.status).sort()).toEqual(['fulfilled', 'rejected', 'rejected'])
    const jobs = await world.sql`SELECT job_id, count(*) FROM serial_numbers GROUP BY job_id`
    expect(jobs).toEqual([{ jobId: expect.any(String), count: 10_000 }])
  })
})

test('a model that the project does not have is refused for good', async ({ world }) => {
  const { projectId } = await addModel(world)
  const foreign = await addModel(world, 'FOREIGN')
  const input = { deviceModelCode: foreign.code, start: 1, count: 1 }
  const run = runKind(serialsGenerate, { input, context: jobIn(world.app, projectId) })
  await expect(run).rejects.toMatchObject({ name: 'PermanentError', code: 'DEVICE_MODEL_NOT_FOUND' })
})

test.each([
  [{ start: 1, count: 1 }, 'deviceModelCode'],
  [{ deviceModelCode: 'lower', start: 1, count: 1 }, 'deviceModelCode'],
  [{ deviceModelCode: 'A', start: -1, count: 1 }, 'start'],
  [{ deviceModelCode: 'A', start: 1, count: 0 }, 'count'],
  [{ deviceModelCode: 'A', start: 1, count: 1_000_001 }, 'count'],
  [{ deviceModelCode: 'A', start: MAX_SERIAL_NUMBER, count: 2 }, 'count'],
])('refuses %j and names the field', (input, field) => {
  expect(serialsGenerate.input.safeParse(input).error?.issues[0]?.path).toEqual([field])
})
