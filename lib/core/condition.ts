import { waitAtMost } from './wait-at-most.ts'

/** Something that happens again and again, which others wait for: a condition variable. */
export interface Condition {
  /** It has happened: all that wait go on. */
  notify(): void
  /** Resolves when it happens next, or after this many milliseconds. */
  wait(atMostMs?: number): Promise<void>
}

/**
 * Who waits again and again leaves nothing behind. A `Promise.race` over what is waited for would leave a handler with each
 * promise until that settles: for the running jobs of an invocation, hundreds of megabytes in a function's time.
 */
export const createCondition = (): Condition => {
  let next: PromiseWithResolvers<void> | undefined
  return {
    notify: () => {
      next?.resolve()
      next = undefined
    },
    wait: async (atMostMs) => {
      next ??= Promise.withResolvers()
      if (atMostMs === undefined) await next.promise
      else await waitAtMost(next.promise, atMostMs)
    },
  }
}
