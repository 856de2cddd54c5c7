import { type Api, apiCheck } from './api-check.ts'
import type { Check, Finding, Patient } from './check.ts'
import { stuckDependencies, uncountedEnds } from './dependency-check.ts'
import { doorbells, leases, pausedQueues, unknownKinds } from './queue-checks.ts'
import { orphans, outbox, runners, schedules, uploads } from './upkeep-checks.ts'

/** In the order in which they are repaired: what comes free by one may need a doorbell from another. */
const CHECKS: readonly Check[] = [
  leases,
  uncountedEnds,
  stuckDependencies,
  doorbells,
  pausedQueues,
  unknownKinds,
  schedules,
  outbox,
  runners,
  uploads,
  orphans,
]

export interface Examined {
  check: string
  findings: (Finding & { fixable: boolean })[]
  /** What was done about them; null when nothing was. */
  fixed: string | null
  /** Whether something is left. */
  ill: boolean
}

/**
 * Looks for everything that can be wrong, and repairs what can be repaired if asked to.
 * @param api undefined where nobody knows its address: then it isn't asked
 */
export const examine = async (
  patient: Patient,
  { fix, api }: { fix: boolean; api?: Api | undefined },
): Promise<Examined[]> => {
  const examined: Examined[] = []
  for (const check of api ? [apiCheck(api), ...CHECKS] : CHECKS) examined.push(await examineOne(check, patient, fix))
  return examined
}

const examineOne = async (check: Check, patient: Patient, fix: boolean): Promise<Examined> => {
  const found = await check.look(patient)
  const findings = found.map((finding) => ({ ...finding, fixable: check.fix !== undefined }))
  if (findings.length === 0 || !fix || !check.fix) {
    return { check: check.name, findings, fixed: null, ill: findings.length > 0 }
  }
  const fixed = await check.fix(patient)
  return { check: check.name, findings, fixed, ill: (await check.look(patient)).length > 0 }
}
