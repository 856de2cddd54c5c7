import * as safePoints from '../../db/queries/safe-points.ts'
import type { App } from '../app.ts'
import { inParts } from '../core/in-parts.ts'
import type { Stint } from './stint.ts'

/** What the safe points hold that one statement saves. In characters of JSON. */
const MAX_SAVED = 16 * 1024 * 1024

/**
 * Saves the newest safe points of stints together, and fences those whose jobs are no longer theirs. One save comes after the
 * other: an older safe point must not arrive after a newer one.
 */
export const createSaver = (app: App): ((stints: Stint[]) => Promise<void>) => {
  let saving: Promise<void> = Promise.resolve()
  return (stints) => {
    const saved = saving.then(() => saveNewest(app, stints))
    saving = saved.catch(() => {})
    return saved
  }
}

const saveNewest = async (app: App, stints: Stint[]): Promise<void> => {
  const unsaved = new Set<Stint>()
  /** As text when it is their turn: those of all jobs may be hundreds of megabytes. */
  function* points(): Generator<[Stint, safePoints.SavedPoint]> {
    for (const stint of stints) {
      const point = unsavedPoint(stint)
      if (!point) continue
      unsaved.add(stint)
      yield [stint, point]
    }
  }
  try {
    for (const part of inParts(points(), { most: stints.length, maxSize: MAX_SAVED, sizeOf })) {
      const saved = new Set(
        await safePoints.save(
          app.sql,
          part.map(([, point]) => point),
        ),
      )
      app.committed()
      for (const [stint] of part) {
        unsaved.delete(stint)
        if (!saved.has(stint.job.id)) stint.fence()
      }
    }
  } catch (error) {
    for (const stint of unsaved) stint.markUnsaved()
    throw error
  }
}

const sizeOf = ([, { partial = '', checkpoint = '' }]: [Stint, safePoints.SavedPoint]): number =>
  partial.length + checkpoint.length

/** A point that can't be stored is left to the stint's end, where it becomes the job's error. */
const unsavedPoint = (stint: Stint): safePoints.SavedPoint | undefined => {
  try {
    return stint.takeUnsaved()
  } catch {
    stint.requestStop('its safe point cannot be stored')
    return undefined
  }
}
