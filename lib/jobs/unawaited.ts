import { AsyncLocalStorage } from 'node:async_hooks'
import { stackOf } from './stack.ts'
import { deserializeError, serializeError, toError } from './thrown.ts'

/** Who is told of a promise that was rejected while nobody awaited it. */
export interface Owner {
  tell: (reason: unknown) => void
}

const owner = new AsyncLocalStorage<Owner>()

/**
 * Does a job's work, and tells `of` when one of its promises is rejected while nobody awaits it. Otherwise Node would end the
 * process, and all jobs in it. Whose a rejection is, the context says in which it came about. That may be another job's if it
 * came from something that jobs share, such as a socket of a pool, with no function of the job in between. A rejection in no
 * job's context ends the process. The owner is kept for as long as anything that the work opened.
 */
export const ownUnawaited = <T>(of: Owner, work: () => T): T => {
  listen()
  return owner.run(of, work)
}

let listens = false

/** Once, in place of those who listen by then: Lambda's runtime would end the process for any rejection. */
const listen = (): void => {
  if (listens) return
  listens = true
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  process.on('unhandledRejection', (reason, promise) => {
    const own = owner.getStore()
    if (own) own.tell(reason)
    else if (others.length === 0) throw toError(reason)
    else for (const other of others) other(reason, promise)
  })
}

/** The error of an attempt that ends with such a rejection. Where it was made tells nobody anything. */
export const unawaitedError = (reason: unknown): Error => {
  const stack = stackOf(reason)
  return deserializeError({
    name: 'Error',
    code: 'UNAWAITED_REJECTION',
    message: `a promise that nobody awaited was rejected: ${serializeError(reason).message}`,
    ...(stack !== undefined && { stack }),
  })
}
