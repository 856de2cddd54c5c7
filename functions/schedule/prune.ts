import { every } from '../../lib/schedule/every.ts'
import { prune } from '../../lib/schedule/prune.ts'

/** Each hour: what has had its time. */
export const handler = every({ everySeconds: 3_600, run: prune })
