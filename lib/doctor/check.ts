import type { App } from '../app.ts'
import type { JobKind } from '../jobs/define.ts'

/** What the checks look at. */
export interface Patient {
  app: App
  kinds: readonly JobKind[]
}

/** Something that isn't as it should be. */
export interface Finding {
  /** In one sentence, with numbers. */
  what: string
  /** What puts it right. */
  remedy: string
}

/** One thing that can be wrong. */
export interface Check {
  name: string
  look(patient: Patient): Promise<Finding[]>
  /** Repairs what `look` found, where that can be done from outside. @returns what it did */
  fix?(patient: Patient): Promise<string>
}

export const plural = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`
