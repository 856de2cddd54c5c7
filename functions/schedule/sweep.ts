import { runDueSchedules } from '../../lib/jobs/schedule.ts'
import { sweep } from '../../lib/jobs/sweep.ts'
import { each, every } from '../../lib/schedule/every.ts'
import { allKinds, kinds } from '../jobs/index.ts'

/** Once a second, looks for lost leases, lost doorbells, and schedules that are due. */
export const handler = every({
  name: 'sweep',
  everySeconds: 1,
  run: (app, remainingMs) => each([() => sweep(app, allKinds), () => runDueSchedules(app, kinds, remainingMs)]),
})
