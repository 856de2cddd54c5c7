import { each, every } from '../../lib/schedule/every.ts'
import { prune } from '../../lib/schedule/prune.ts'
import { removeDeletedProjects } from '../use-cases/deleted-projects.ts'

/** Once an hour, removes what is older than its retention. */
export const handler = every({
  name: 'prune',
  everySeconds: 3_600,
  // Deleted projects first, so that the objects of their files are removed with the others.
  run: (app, remainingMs) => each([() => removeDeletedProjects(app, remainingMs), () => prune(app, remainingMs)]),
})
