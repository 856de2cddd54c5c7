import * as orphanedObjects from '../../db/queries/orphaned-objects.ts'
import type { App } from '../app.ts'

/** S3 deletes no more at once. */
const BATCH = 1_000

/**
 * Deletes the objects of files whose rows are gone, a thousand of them and more as long as `inTime`. An object is forgotten only after its
 * deletion, so whatever fails here is done the next time. @returns how many
 */
export const deleteOrphans = async (app: App, inTime: () => boolean): Promise<number> => {
  for (let total = 0; ; ) {
    const keys = await orphanedObjects.list(app.sql, BATCH)
    if (keys.length > 0) {
      await app.files.deleteAll(keys)
      await orphanedObjects.forget(app.sql, keys)
    }
    total += keys.length
    if (keys.length < BATCH || !inTime()) return total
  }
}
