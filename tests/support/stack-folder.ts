import { inject } from 'vitest'
import { scratchFolder } from '../../infra/local/shared/scratch-folder.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Where tests make folders for what they start themselves. */
    scratch: string
  }
}

/** Makes a folder for a stack of a test's own. It is where the run's is, in memory if there is room, and goes with it. */
export const stackFolder = (purpose: string): string => scratchFolder(purpose, inject('scratch'))
