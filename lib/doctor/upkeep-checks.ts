import * as files from '../../db/queries/files.ts'
import * as outboxRows from '../../db/queries/outbox.ts'
import * as repairs from '../../db/queries/repairs.ts'
import * as symptoms from '../../db/queries/symptoms.ts'
import type { App } from '../app.ts'
import { deleteOrphans } from '../files/orphans.ts'
import { type Check, plural } from './check.ts'

const MAX_COUNTED = 100_000
const BATCH = 500

/** The relay publishes each second. */
const OUTBOX_SECONDS = 30

/** A runner renews its lease long before its end. */
const UNHELD_SECONDS = 5
const RUNNERS = ['relay', 'schedules', 'sweep']

/** An upload's URL is good for a quarter of an hour. */
const ABSENT_SECONDS = 3_600

/** A tick comes within a second. */
const LATE_SECONDS = 60

/** The prune comes each hour. */
const ORPHAN_SECONDS = 7_200

export const outbox: Check = {
  name: 'outbox',
  look: async ({ app }) => {
    const { events, lagSeconds } = await outboxRows.measure(app.sql)
    if (lagSeconds < OUTBOX_SECONDS) return []
    return [
      {
        what: `${plural(events, 'event')} not published, the oldest for ${Math.round(lagSeconds)} s`,
        remedy: 'the relay publishes them when it runs and Kafka answers',
      },
    ]
  },
}

export const runners: Check = {
  name: 'runners',
  look: async ({ app }) =>
    (await symptoms.listUnheldRunners(app.sql, RUNNERS, UNHELD_SECONDS)).map(({ name, holder, overSeconds }) => ({
      what:
        holder === null
          ? `nobody holds the lease of the ${name}`
          : `nobody holds the lease of the ${name}: that of ${holder} ended ${overSeconds} s ago`,
      remedy: `start the host, or see why its scheduled function doesn't run; whoever comes takes the lease over`,
    })),
}

export const schedules: Check = {
  name: 'schedules',
  look: async ({ app }) =>
    (await symptoms.listIllSchedules(app.sql, LATE_SECONDS, BATCH)).map(({ id, name, code, lateSeconds }) =>
      code === null
        ? {
            what: `the schedule ${name} (${id}) is ${lateSeconds} s late`,
            remedy: 'the sweep makes its job when it runs',
          }
        : {
            what: `the latest tick of the schedule ${name} (${id}) made no job: ${code}`,
            remedy: `PATCH /schedules/${id} with a kind and an input that fit, or pause it`,
          },
    ),
}

export const uploads: Check = {
  name: 'uploads',
  look: async ({ app }) => {
    const absent = await symptoms.listAbsentUploads(app.sql, ABSENT_SECONDS, MAX_COUNTED)
    if (absent.length === 0) return []
    return [
      {
        what: `${plural(absent.length, 'announced upload')} of which nothing is known after an hour`,
        remedy: 'nothing by itself: their rows are to be removed, or their sizes to be learnt from S3',
      },
    ]
  },
  fix: async ({ app }) => {
    let removed = 0
    let arrived = 0
    for (;;) {
      const absent = await symptoms.listAbsentUploads(app.sql, ABSENT_SECONDS, BATCH)
      const sizes = await Promise.all(absent.map((upload) => learnSize(app, upload)))
      const missing = absent.filter((_, index) => !sizes[index]).map((it) => it.id)
      removed += await repairs.dropUploads(app.sql, missing)
      arrived += absent.length - missing.length
      if (absent.length < BATCH) break
    }
    return `removed ${plural(removed, 'row')} of uploads that never came, learnt the size of ${arrived} that did`
  },
}

/** @returns whether it is there after all */
const learnSize = async (app: App, { id, objectKey }: symptoms.AbsentUpload): Promise<boolean> => {
  const object = await app.files.head(objectKey)
  if (object) await files.markArrived(app.sql, id, object.sizeBytes)
  return object !== null
}

export const orphans: Check = {
  name: 'objects',
  look: async ({ app }) => {
    const count = await symptoms.countOrphans(app.sql, ORPHAN_SECONDS, MAX_COUNTED)
    if (count === 0) return []
    return [{ what: `${plural(count, 'object')} in S3 without a row`, remedy: 'the prune deletes them when it runs' }]
  },
  fix: async ({ app }) => `deleted ${plural(await deleteOrphans(app, () => true), 'object')}`,
}
