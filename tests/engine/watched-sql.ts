import type { TransactionSql } from 'postgres'
import type { Pool } from '../../db/client.ts'
import { type Actor, alive, loseAnswer, type Traffic } from './traffic.ts'

/** Sends a statement that is not in a transaction, and may look at the tables before and after it. */
export type Look = (statement: string, send: () => Promise<unknown>) => Promise<unknown>

/**
 * A pool whose every statement waits for its turn, `BEGIN` and `COMMIT` too: a process may sleep, die or be overtaken
 * between any two of them.
 */
export const watchedPool = (pool: Pool, actor: Actor, traffic: Traffic, look: Look): Pool =>
  new Proxy(pool, {
    apply: (sql, _this, parts: Parameters<Pool>) => {
      const what = callerOf()
      return whenAwaited(sql(...parts), (send) =>
        onConnection(actor, traffic, what, async () => {
          const answer = await traffic.answered(actor, () => look(what, send), what)
          loseAnswer(actor)
          return answer
        }),
      )
    },
    get: (target, property) =>
      property === 'begin'
        ? (work: (tx: TransactionSql) => Promise<unknown>) =>
            onConnection(actor, traffic, 'BEGIN', () => transaction(pool, actor, traffic, work))
        : Reflect.get(target, property),
  })

const watchedTransaction = (tx: TransactionSql, actor: Actor, traffic: Traffic): TransactionSql =>
  new Proxy(tx, {
    apply: (sql, _this, parts: Parameters<TransactionSql>) => {
      const what = callerOf()
      return whenAwaited(sql(...parts), async (send) => {
        await traffic.turn(actor, what, 'has')
        return traffic.answered(actor, send, what)
      })
    },
  })

type Query = ReturnType<Pool>

/** The driver's own query, so that it may be part of another one; it is sent, through `run`, when somebody awaits it. */
const whenAwaited = (query: Query, run: (send: () => Promise<unknown>) => Promise<unknown>): Query => {
  const { then } = query
  const send = () => new Promise<unknown>((resolve, reject) => void then.call(query, resolve, reject))
  let answer: Promise<unknown> | undefined
  const ask: Promise<unknown>['then'] = (...handlers) => {
    answer ??= run(send)
    return answer.then(...handlers)
  }
  return Object.defineProperties(query, {
    // biome-ignore lint/suspicious/noThenProperty: the driver's queries are thenables that are sent when awaited.
    then: { value: ask },
    catch: { value: (handler: (error: unknown) => unknown) => ask(undefined, handler) },
  })
}

/** Postgres is at work during BEGIN, and from COMMIT or ROLLBACK on; between them the work waits for its own turns. */
const transaction = async (
  pool: Pool,
  actor: Actor,
  traffic: Traffic,
  work: (tx: TransactionSql) => Promise<unknown>,
): Promise<unknown> => {
  let answered = traffic.sent()
  traffic.transactionBegins()
  try {
    const result = await pool.begin(async (tx) => {
      answered()
      try {
        alive(actor)
        const value = await work(watchedTransaction(tx, actor, traffic))
        await traffic.turn(actor, 'COMMIT', 'has')
        return value
      } finally {
        answered = traffic.sent()
      }
    })
    alive(actor)
    loseAnswer(actor)
    return result
  } finally {
    traffic.transactionEnds()
    answered()
  }
}

const onConnection = async <T>(actor: Actor, traffic: Traffic, what: string, send: () => Promise<T>): Promise<T> => {
  await traffic.turn(actor, what, 'takes')
  actor.connections.used++
  try {
    return await send()
  } finally {
    actor.connections.used--
  }
}

/** The query function that sends a statement: `claims.claim`. */
const callerOf = (): string => {
  const [, name, file] =
    /at (?:async )?(?:Module\.)?(\w+) \(\S*\/db\/queries\/([\w-]+)\.ts/.exec(new Error().stack ?? '') ?? []
  return file && name ? `${file}.${name}` : 'a statement of its own'
}
