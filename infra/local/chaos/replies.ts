import type postgres from 'postgres'
import type { Pool } from '../../../db/client.ts'
import type { Random } from './random.ts'

/** The share of the statements and transactions that write jobs whose connection breaks. */
const LOST = 0.02

/** Claims, outcomes, safe points, leases, submissions, cancels: everything that changes the truth. */
const WRITES_JOBS = /\b(INSERT INTO|UPDATE) jobs\b/

type Statement = postgres.PendingQuery<postgres.Row[]>
type Work = (tx: postgres.TransactionSql) => unknown

/**
 * A pool whose connection sometimes seems to break just after a statement that writes jobs has committed: its effect stays,
 * but its caller doesn't know. Transactions break as often just before their commit, and are rolled back.
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

/** The first argument of a tagged template is its text; calls of the pool with anything else aren't statements. */
const writesJobs = ([first]: unknown[]): boolean =>
  Array.isArray(first) && 'raw' in first && WRITES_JOBS.test(first.join('?'))

/** postgres.js sends a statement when it is awaited, so the reply is lost in its `then`. */
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
