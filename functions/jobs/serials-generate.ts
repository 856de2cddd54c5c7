import type { TransactionSql } from 'postgres'
import { z } from 'zod'
import * as deviceModels from '../../db/queries/device-models.ts'
import * as serialNumbers from '../../db/queries/serial-numbers.ts'
import { defineJob, PermanentError } from '../../lib/jobs/define.ts'
import { deviceModelCode, MAX_SERIAL_NUMBER, modulo97, serialOf } from '../../lib/serials/serial.ts'
import { serialsCsvPath } from '../use-cases/serials-csv.ts'

/** Serials stored by one statement: some 40 ms of work, so that whoever waits for a stop or for a lock waits no longer. */
const BATCH = 5_000

const input = z
  .strictObject({
    deviceModelCode,
    start: z.int().min(0).max(MAX_SERIAL_NUMBER).meta({ description: 'The first number' }),
    count: z.int().min(1).max(1_000_000).meta({ description: 'How many' }),
  })
  .refine(({ start, count }) => start + count - 1 <= MAX_SERIAL_NUMBER, {
    path: ['count'],
    message: `the last number, start + count - 1, may be at most ${MAX_SERIAL_NUMBER}`,
  })

/**
 * Numbers belong to the job that stored them: a stint that comes again over a range leaves its job's rows alone, so that
 * there is no duplicate and no gap wherever the one before was cut off. What a job stored before it failed or was
 * cancelled stays its own, and a retry of the job completes it.
 */
export const serialsGenerate = defineJob({
  kind: 'serials.generate',
  summary: 'Makes serial numbers for a device model and stores them',
  input,
  output: z.object({
    deviceModelId: z.uuid(),
    deviceModelCode: z.string(),
    first: z.string().meta({ description: 'The first serial' }),
    last: z.string().meta({ description: 'The last serial' }),
    count: z.int(),
    csv: z.string().meta({ description: 'Where they are as CSV' }),
  }),
  checkpoint: z.object({ next: z.int().meta({ description: 'The first number that is not stored yet' }) }),
  queue: 'bulk',
  concurrency: 4,
  async *run({ job, input, checkpoint, fenced }) {
    const { deviceModelCode: code, start, count } = input
    const last = start + count - 1
    const made = { code, codeModulo97: modulo97(code), jobId: job.id }
    const begin = checkpoint?.next ?? start

    const deviceModelId = await fenced(async (tx) => {
      const id = await lockModel(tx, job.projectId, code)
      // Checked before the first batch too: a job that can't succeed must store nothing.
      await refuseForeign(tx, { ...made, deviceModelId: id }, { first: begin, last })
      return id
    })

    for (let first = begin; first <= last; first += BATCH) {
      const range = { first, last: Math.min(first + BATCH - 1, last) }
      await fenced(async (tx) => {
        const own = { ...made, deviceModelId: await lockModel(tx, job.projectId, code) }
        const stored = await serialNumbers.insertRange(tx, own, range)
        if (stored <= range.last - range.first) await refuseForeign(tx, own, range)
      })
      const stored = range.last - start + 1
      yield { checkpoint: { next: range.last + 1 }, progress: stored / count, partial: { stored } }
    }
    return {
      deviceModelId,
      deviceModelCode: code,
      first: serialOf(code, start),
      last: serialOf(code, last),
      count,
      csv: serialsCsvPath(deviceModelId, { first: start, last }),
    }
  },
})

const lockModel = async (tx: TransactionSql, projectId: string, code: string): Promise<string> => {
  const id = await deviceModels.lockByCode(tx, projectId, code)
  if (id === null) throw new PermanentError('DEVICE_MODEL_NOT_FOUND', `The project has no device model ${code}.`)
  return id
}

const refuseForeign = async (
  tx: TransactionSql,
  own: { deviceModelId: string; jobId: string; code: string },
  range: serialNumbers.NumberRange,
): Promise<void> => {
  const taken = await serialNumbers.findForeign(tx, own, range)
  if (taken === null) return
  throw new PermanentError('SERIALS_TAKEN', `${serialOf(own.code, taken)} was made by another job.`)
}
