import type { TransactionSql } from 'postgres'
import { transaction } from '../../db/client.ts'
import * as leases from '../../db/queries/leases.ts'
import type { App } from '../app.ts'
import { jobFiles } from '../files/job-files.ts'
import { FencedError, type JobLog, type SharedJobContext } from './define.ts'
import type { Stint } from './stint.ts'

/** What a job that shares its process is given. */
export const sharedContext = (
  app: App,
  stint: Stint,
  log: JobLog,
  input: unknown,
  checkpoint: unknown,
): SharedJobContext<unknown, unknown> => {
  const { id, projectId, attempt, stint: number } = stint.job

  const fenced = <T>(work: (tx: TransactionSql) => Promise<T>): Promise<T> =>
    transaction(app.sql, async (tx) => {
      if (stint.fenced || !(await leases.lockHeld(tx, id, number))) {
        stint.fence()
        throw new FencedError(`stint ${number} no longer holds the job`)
      }
      return work(tx)
    })

  return {
    job: { id, projectId, attempt, stint: number },
    input,
    checkpoint,
    signal: stint.abort.signal,
    log,
    fenced,
    files: jobFiles(app, { jobId: id, projectId, stint: number, fenced }),
  }
}
