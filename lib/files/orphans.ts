import * as orphanedObjects from '../../db/queries/orphaned-objects.ts'
import type { App } from '../app.ts'

/** S3 deletes no more at once. */
const BATCH = 1_000

/** After so long an object is tried again that could not be deleted, one under a legal hold for example. */
const AGAIN_SECONDS = 3_600

/**
 * Deletes the objects of files whose rows are gone, a thousand of them and more as long as `inTime`. An object is forgotten
 * only after its deletion, so whatever fails here is done the next time; one that the store keeps holds up no other.
 * @returns how many
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
