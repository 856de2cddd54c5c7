import { waitAtMost } from './wait-at-most.ts'

/** The result of the last check of a component. */
export interface ProbeResult {
  ok: boolean
  latencyMs: number
  /** Why it isn't ok, without addresses or accounts, since outsiders see it. */
  error?: string
}

export interface ProbeOptions {
  /** Resolves when the component answers. */
  check: () => Promise<unknown>
  /** How long an answer may take. */
  timeoutMs: number
  /** How long a result is kept. */
  cacheMs: number
  /** Called with the error of each failure. */
  onError: (error: unknown) => void
  now: () => number
}

/**
 * Checks whether a component works. However many call it, there is one check at a time and one per `cacheMs`. A check that
 * hangs beyond its time keeps the next one from starting, so that nothing piles up.
 */
export const createProbe = ({
  check,
  timeoutMs,
  cacheMs,
  onError,
  now,
}: ProbeOptions): (() => Promise<ProbeResult>) => {
  let last: { result: ProbeResult; at: number } | undefined
  let asking: Promise<ProbeResult> | undefined
  let hanging = false

  const ask = async (): Promise<ProbeResult> => {
    const started = performance.now()
    const taken = () => Math.round((performance.now() - started) * 10) / 10
    if (hanging) return { ok: false, latencyMs: 0, error: 'still no answer' }
    hanging = true
    const answer = check().finally(() => {
      hanging = false
    })
    try {
      await waitAtMost(answer, timeoutMs)
      if (!hanging) return { ok: true, latencyMs: taken() }
      answer.catch(onError)
      return { ok: false, latencyMs: taken(), error: `no answer within ${timeoutMs / 1_000} s` }
    } catch (error) {
      onError(error)
      return { ok: false, latencyMs: taken(), error: 'cannot be reached, or answered with an error' }
    }
  }

  return async () => {
    if (last && now() - last.at < cacheMs) return last.result
    asking ??= ask().then((result) => {
      last = { result, at: now() }
      asking = undefined
      return result
    })
    return asking
  }
}
