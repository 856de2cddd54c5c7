/** What a component said when it was last asked. */
export interface ProbeResult {
  ok: boolean
  latencyMs: number
  /** Why it isn't ok, in words that tell an outsider nothing about addresses or accounts. */
  error?: string
}

export interface ProbeOptions {
  /** Resolves when the component answers. */
  check: () => Promise<unknown>
  /** An answer that takes longer is none. */
  timeoutMs: number
  /** How long a result is good. */
  cacheMs: number
  /** Told of each failure, whole. */
  onError: (error: unknown) => void
  now: () => number
}

/**
 * Asks a component whether it works. However many ask the probe, it asks once at a time and once per `cacheMs`; a
 * check that hangs on after its time keeps the next one from starting, so that a flood of questions piles nothing up.
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
      const inTime = await before(answer, timeoutMs)
      if (inTime) return { ok: true, latencyMs: taken() }
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

/** Whether `work` ended in time. @throws what it throws in time */
const before = async (work: Promise<unknown>, timeoutMs: number): Promise<boolean> => {
  const { promise: late, resolve } = Promise.withResolvers<false>()
  const timer = setTimeout(resolve, timeoutMs, false)
  try {
    return await Promise.race([work.then(() => true as const), late])
  } finally {
    clearTimeout(timer)
  }
}
