import type { JobKind } from '../../lib/jobs/define.ts'

/** Every kind of job there is. */
export const kinds: readonly JobKind[] = []
