import type postgres from 'postgres'
import type { Pool } from '../../../db/client.ts'
import type { Random } from './random.ts'

/** Of the statements and transactions that write jobs, so many are answered by a broken connection. */
const LOST = 0.02

/** Claims, outcomes, safe points, leases, submissions, cancels: everything that changes the truth. */
const WRITES_JOBS = /\b(INSERT INTO|UPDATE) jobs\b/

type Statement = postgres.PendingQuery<postgres.Row[]>
type Work = (tx: postgres.TransactionSql) => unknown

/**
 * A pool whose connection seems to break just when a statement that writes jobs has been committed: what it did stands,
 * and its caller doesn't know. A transaction breaks as often just before its commit, and is rolled back.
 */
export const loseReplies = (pool: Pool, random: Random): Pool => {
  const isLost = () => random() < LOST

  const begin = (...given: unknown[]): Promise<unknown> => {
    const work = given.pop() as Work
    let wroteJobs = false
    const watched: Work = async (tx) => {
      const result = await work(
        new Proxy(tx, {
          apply: (target, _, args) => {
            wroteJobs ||= writesJobs(args)
            return Reflect.apply(target, undefined, args)
          },
        }),
      )
      if (wroteJobs && isLost()) throw brokenConnection()
      return result
    }
    return Reflect.apply(pool.begin, pool, [...given, watched]).then((result: unknown) => {
      if (wroteJobs && isLost()) throw brokenConnection()
      return result
    })
  }

  return new Proxy(pool, {
    apply: (target, _, args) => {
      const statement = Reflect.apply(target, undefined, args) as Statement
      return writesJobs(args) && isLost() ? loseReply(statement) : statement
    },
    get: (target, name) => (name === 'begin' ? begin : Reflect.get(target, name)),
  })
}

/** Of a tagged template's arguments the first has its text; what else a pool is called with is no statement. */
const writesJobs = ([first]: unknown[]): boolean =>
  Array.isArray(first) && 'raw' in first && WRITES_JOBS.test(first.join('?'))

/** A statement of postgres.js is sent when somebody waits for it, so the loss is put into the waiting. */
const loseReply = (statement: Statement): Statement => {
  const wait = statement.then.bind(statement)
  const then: Statement['then'] = (onAnswer, onError) =>
    wait((): never => {
      throw brokenConnection()
    }).then(onAnswer, onError)
  return Object.assign(statement, { then })
}

/** As postgres.js says it. */
const brokenConnection = (): Error =>
  Object.assign(new Error('write CONNECTION_CLOSED: the answer was lost on purpose'), { code: 'CONNECTION_CLOSED' })
