import type { z } from 'zod'
import type { JobState, JobWithData } from '../../db/queries/jobs.ts'
import type { WaitingBecause } from '../../lib/jobs/waiting.ts'
import type { ValueOf } from '../../lib/rpc/idl.ts'
import { type jobSummary, toJob } from '../views/job.ts'
import { idl } from './idl.ts'

type RpcJob = ValueOf<typeof idl, 'Job'>

export const jobStateOf = (state: JobState): number =>
  idl.enums.JobState[state.toUpperCase() as keyof typeof idl.enums.JobState]

type Present<T> = { [Field in keyof T]: null extends T[Field] ? Exclude<T[Field], null> | undefined : T[Field] }

/** A struct has no null: what isn't there is left out. */
const present = <T extends object>(it: T): Present<T> =>
  Object.fromEntries(Object.entries(it).filter(([, value]) => value !== null)) as Present<T>

/** A job in lists. Fields that the IDL doesn't have are not written. */
export const toRpcSummary = (it: z.input<typeof jobSummary>): RpcJob => ({
  ...present(it),
  state: jobStateOf(it.state),
})

/** Why it waits; the job's queue is known, and `until` is when it is expected to start. */
export const toRpcWaiting = (it: WaitingBecause): ValueOf<typeof idl, 'WaitingBecause'> => ({
  reason: it.reason,
  expectedStartAt: it.expectedStartAt?.toISOString(),
  ...('jobs' in it && { jobs: it.jobs }),
  ...('jobIds' in it && { jobIds: it.jobIds }),
  ...('limit' in it && { limit: it.limit, limitOf: it.of }),
  ...('key' in it && { key: it.key }),
})

export const toRpcJob = (row: JobWithData): RpcJob => {
  const it = toJob(row)
  return {
    ...toRpcSummary(it),
    input: textOf(it.input),
    partial: textOf(it.partial),
    result: textOf(it.result),
    uniqueKey: it.uniqueKey ?? undefined,
    submittedBy: it.submittedBy ?? undefined,
  }
}

/** JSON text; nothing for what isn't there yet. */
const textOf = (value: unknown): string | undefined =>
  value === null || value === undefined ? undefined : JSON.stringify(value)
