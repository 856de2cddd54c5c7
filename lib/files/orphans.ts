import * as orphanedObjects from '../../db/queries/orphaned-objects.ts'
import type { App } from '../app.ts'

/** S3 deletes no more at once. */
const BATCH = 1_000

/** After how long an object that could not be deleted (under a legal hold, for example) is tried again. */
const AGAIN_SECONDS = 3_600

/**
 * Deletes the objects of files whose rows are gone, a thousand at a time as long as `inTime`. An object is forgotten only after
 * its deletion, so that anything that fails is tried again; an object that can't be deleted doesn't hold up the others.
 * @returns how many were deleted
 */
export const deleteOrphans = async (app: App, inTime: () => boolean): Promise<number> => {
  for (let total = 0; ; ) {
    const keys = await orphanedObjects.list(app.sql, BATCH)
    const kept = keys.length > 0 ? await app.files.deleteAll(keys) : []
    const keptKeys = new Set(kept.map((it) => it.key))
    const gone = keys.filter((key) => !keptKeys.has(key))
    if (gone.length > 0) await orphanedObjects.forget(app.sql, gone)
    if (kept.length > 0) {
      await orphanedObjects.postpone(app.sql, [...keptKeys], AGAIN_SECONDS)
      app.log.error({ objects: kept.length, first: kept[0] }, 'objects without a row could not be deleted')
    }
    total += gone.length
    if (keys.length < BATCH || !inTime()) return total
  }
}
