import { each, every } from '../../lib/schedule/every.ts'
import { prune } from '../../lib/schedule/prune.ts'
import { removeDeletedProjects } from '../deleted-projects.ts'

/** Each hour: what has had its time. */
export const handler = every({
  name: 'prune',
  everySeconds: 3_600,
  // Deleted projects first: the objects of their files go with the others'.
  run: (app, remainingMs) => each([() => removeDeletedProjects(app, remainingMs), () => prune(app, remainingMs)]),
})
