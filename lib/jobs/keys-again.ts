import type { TransactionSql } from 'postgres'
import * as uniqueKeys from '../../db/queries/unique-keys.ts'
import { hasLost } from './keys.ts'

/** An ended job that is to be retried. */
export interface Keyed {
  id: string
  projectId: string
  uniqueKey: string | null
}

/**
 * Takes the unique keys again that ended jobs had. Of several jobs with one key it is for the job that still has it, or else
 * for the first of them.
 * @returns the jobs whose key another job has, with that job
 */
export const takeKeysAgain = async (tx: TransactionSql, jobs: Keyed[]): Promise<Map<string, string>> => {
  const groups = Map.groupBy(
    jobs.filter((job) => job.uniqueKey !== null),
    nameOf,
  )
  if (groups.size === 0) return new Map()
  const wanted = [...groups.values()].flatMap(([first]) => (first ? [toUniqueKey(first)] : []))
  await uniqueKeys.takeFree(tx, wanted)
  const holders = new Map((await uniqueKeys.listHolders(tx, wanted)).map((it) => [`${it.projectId} ${it.key}`, it]))
  const passed: uniqueKeys.UniqueKey[] = []
  const held = new Map<string, string>()
  for (const [name, group] of groups) {
    const [first] = group
    const holder = holders.get(name)
    let holderId = holder?.jobId
    if (first && (!holder || hasLost(holder)) && !group.some((job) => job.id === holderId)) {
      passed.push(toUniqueKey(first))
      holderId = first.id
    }
    for (const job of group) if (holderId && job.id !== holderId) held.set(job.id, holderId)
  }
  if (passed.length > 0) await uniqueKeys.pass(tx, passed)
  return held
}

const nameOf = ({ projectId, uniqueKey }: Keyed): string => `${projectId} ${uniqueKey}`

const toUniqueKey = ({ id, projectId, uniqueKey }: Keyed): uniqueKeys.UniqueKey => ({
  projectId,
  key: uniqueKey ?? '',
  jobId: id,
  forSeconds: 0,
})
