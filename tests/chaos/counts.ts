import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { logFolder } from '../../infra/local/shared/log-file.ts'
import type { Database } from './database.ts'
import type { KafkaCollector } from './kafka-collector.ts'
import { countCrashed } from './promises.ts'

/** What happened in a run: a run in which nothing was interrupted proves nothing. */
export interface Counts {
  accepted: number
  /** Jobs of requests that were never answered. */
  unanswered: number
  /** Jobs by state. */
  states: Record<string, number>
  /** Stints by outcome. */
  stints: Record<string, number>
  events: number
  /** Events that Kafka gave more than once. */
  repeated: number
  serialNumbers: number
  /** Outcomes of stints that were fenced off, which were not written. */
  fencedOff: number
  /** Jobs that the crash rule ended, though they did no harm. */
  crashed: number
}

export const countAll = async (given: {
  database: Database
  collector: KafkaCollector
  dataDir: string
  accepted: number
  unanswered: number
}): Promise<Counts> => {
  const { database, collector, dataDir, accepted, unanswered } = given
  const [states, stints, [numbers], crashed] = await database.read((sql) =>
    Promise.all([
      sql<Counted[]>`SELECT state AS name, count(*)::integer FROM jobs GROUP BY state ORDER BY state`,
      sql<Counted[]>`SELECT outcome AS name, count(*)::integer FROM stints GROUP BY outcome ORDER BY outcome`,
      sql<Counted[]>`SELECT '' AS name, count(*)::integer FROM serial_numbers`,
      countCrashed(sql),
    ]),
  )
  return {
    accepted,
    unanswered,
    states: toRecord(states),
    stints: toRecord(stints),
    events: collector.events.size,
    repeated: collector.repeated(),
    serialNumbers: numbers?.count ?? 0,
    fencedOff: countFencedOff(dataDir),
    crashed,
  }
}

interface Counted {
  name: string
  count: number
}

const toRecord = (rows: readonly Counted[]): Record<string, number> =>
  Object.fromEntries(rows.map(({ name, count }) => [name, count]))

/** The workers say it in their logs. */
const countFencedOff = (dataDir: string): number => {
  const folder = logFolder(dataDir)
  const logs = readdirSync(folder).filter((name) => name.startsWith('worker-'))
  const numbers = logs.flatMap((name) =>
    [...readFileSync(join(folder, name), 'utf8').matchAll(/"fenced":(\d+)/g)].map(([, count]) => Number(count)),
  )
  return numbers.reduce((sum, count) => sum + count, 0)
}
