import type { TransactionSql } from 'postgres'
import * as uniqueKeys from '../../db/queries/unique-keys.ts'
import { hasEnded } from './states.ts'

/** An ended job that shall begin anew. */
export interface Keyed {
  id: string
  projectId: string
  uniqueKey: string | null
}

/**
 * Takes the unique keys again that ended jobs had. Of several jobs with one key the one that still has it goes first,
 * else the first of them.
 * @returns the jobs whose key another has, with which that is
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
    let holder = holders.get(name)?.jobId
    if (first && isFree(holders.get(name)) && !group.some((job) => job.id === holder)) {
      passed.push(toUniqueKey(first))
      holder = first.id
    }
    for (const job of group) if (holder && job.id !== holder) held.set(job.id, holder)
  }
  if (passed.length > 0) await uniqueKeys.pass(tx, passed)
  return held
}

/** Its holder is gone, or has ended and had its time with it. */
const isFree = (holder: uniqueKeys.Holder | undefined): boolean =>
  !holder?.state || (holder.expired && hasEnded(holder.state))

const nameOf = ({ projectId, uniqueKey }: Keyed): string => `${projectId} ${uniqueKey}`

const toUniqueKey = ({ id, projectId, uniqueKey }: Keyed): uniqueKeys.UniqueKey => ({
  projectId,
  key: uniqueKey ?? '',
  jobId: id,
  forSeconds: 0,
})
