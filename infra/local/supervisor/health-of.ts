import { setTimeout as sleep } from 'node:timers/promises'
import type { Health } from '../../../lib/doctor/api-check.ts'

const HEALTH_PATIENCE_MS = 10_000
/** Between two questions. */
const PAUSE_MS = 500

/**
 * The health of a stack that has just started, in one line. On a busy machine the first probes, or the answer, may take too
 * long: then it is asked again for a while.
 */
export const healthOf = async (
  url: string,
  { patienceMs = HEALTH_PATIENCE_MS, pauseMs = PAUSE_MS } = {},
): Promise<string> => {
  for (const until = performance.now() + patienceMs; ; await sleep(pauseMs)) {
    const health = await askHealth(url).catch(() => undefined)
    if (health?.status !== 'ok' && performance.now() < until) continue
    if (!health) return 'no answer yet'
    return `${health.status}: ${health.components.map((it) => `${it.name} ${it.status}`).join(', ')}`
  }
}

/** @returns undefined where the answer is a problem, as when it took too long */
export const askHealth = async (url: string, signal?: AbortSignal): Promise<Health | undefined> => {
  const answer = (await (await fetch(`${url}/health`, { signal: signal ?? null })).json()) as Partial<Health>
  return answer.components && (answer as Health)
}
