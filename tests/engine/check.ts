import { acceptance } from './promises/acceptance.ts'
import { dependencies } from './promises/dependencies.ts'
import { endings, fairEndings } from './promises/endings.ts'
import { fence } from './promises/fence.ts'
import type { Known, Promised } from './promises/known.ts'
import { schedules } from './promises/schedules.ts'
import { submissions } from './promises/submissions.ts'
import { timeline } from './promises/timeline.ts'

/** What the engine promises, whatever goes wrong. */
export const PROMISES: Record<string, Promised> = {
  ...acceptance,
  ...dependencies,
  ...endings,
  ...fence,
  ...schedules,
  ...submissions,
  ...timeline,
}

/** What it also promises while nothing goes wrong. */
export const FAIR_PROMISES: Record<string, Promised> = { ...PROMISES, ...fairEndings }

/** @returns every promise that was broken, with how */
export const brokenPromises = (promises: Record<string, Promised>, known: Known): string[] =>
  Object.entries(promises).flatMap(([name, promise]) => [...promise(known)].map((how) => `Broken: ${name}.\n  ${how}`))
