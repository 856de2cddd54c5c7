import { sweep } from '../../lib/jobs/sweep.ts'
import { every } from '../../lib/schedule/every.ts'

/** Each second: lost leases, and jobs whose doorbell was lost. */
export const handler = every({ everySeconds: 1, run: sweep })
