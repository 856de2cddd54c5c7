import { AsyncLocalStorage } from 'node:async_hooks'
import type { TransactionSql } from 'postgres'
import { transaction } from '../../db/client.ts'
import * as leases from '../../db/queries/leases.ts'
import type { App } from '../app.ts'
import { jobSecret } from '../auth/job-secret.ts'
import { memoizeByOwner } from '../core/by-owner.ts'
import { limitConcurrency } from '../core/limit-concurrency.ts'
import { jobFiles } from '../files/job-files.ts'
import { jobMail } from '../mail/job-mail.ts'
import { FencedError, type JobContext, PermanentError, type SharedJobContext } from './define.ts'
import type { Stint } from './stint.ts'

/** What was read for the job before it starts. */
export type Given = Pick<JobContext<unknown, unknown>, 'input' | 'checkpoint' | 'log' | 'parents' | 'submit'>

/** Connections of a process that its jobs' own transactions leave to what keeps the jobs, and to what they submit. */
const KEPT_FREE = 2

/** Runs transactions of jobs, so many at once that heartbeats needn't wait for one: it may take long, or wait for a lock. */
const inTurn = memoizeByOwner(({ config }: App) =>
  limitConcurrency(Math.max(1, config.database.maxConnections - KEPT_FREE)),
)

/**
 * The transaction of a job's own that its code runs in. A second one within it would wait for a turn that the first one has,
 * or for a lock, and nothing of the first goes on meanwhile: PostgreSQL would end it after half a minute.
 */
const around = new AsyncLocalStorage<{ open: boolean }>()

/** What a job that shares its process is given. */
export const sharedContext = (app: App, stint: Stint, given: Given): SharedJobContext<unknown, unknown> => {
  const { id, projectId, attempt, stint: number } = stint.job

  const fenced = async <T>(work: (tx: TransactionSql) => Promise<T>): Promise<T> => {
    if (around.getStore()?.open)
      throw new PermanentError('FENCED_WITHIN_FENCED', 'fenced, files.write and files.remove are not for within fenced')
    const here = { open: true }
    const within = async (tx: TransactionSql): Promise<T> => {
      if (stint.fenced || !(await leases.lockHeld(tx, id, number))) {
        stint.fence()
        throw new FencedError(`stint ${number} no longer holds the job`)
      }
      return around.run(here, () => work(tx))
    }
    try {
      return await inTurn(app)(() => transaction(app.sql, within))
    } finally {
      here.open = false
    }
  }

  return {
    job: { id, projectId, attempt, stint: number },
    ...given,
    signal: stint.abort.signal,
    fenced,
    files: jobFiles(app, { jobId: id, projectId, stint: number, fenced }),
    web: app.web,
    mail: jobMail(app, { jobId: id, projectId }),
    secret: (purpose) => jobSecret(app, id, purpose),
  }
}
