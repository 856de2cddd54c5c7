import type { TransactionSql } from 'postgres'
import * as expiries from '../../db/queries/expiries.ts'
import * as idempotencyKeys from '../../db/queries/idempotency-keys.ts'
import * as jobs from '../../db/queries/jobs.ts'
import * as uniqueKeys from '../../db/queries/unique-keys.ts'
import { StintError } from '../core/errors.ts'
import type { Prepared } from './prepare.ts'
import { hasEnded } from './states.ts'

/** Submissions that are answered with another job instead of their own: which one, and why. */
export type Answered = Map<Prepared, { jobId: string; outcome: 'replayed' | 'duplicate' }>

/** Submissions with one key. */
type Group = [Prepared, ...Prepared[]]

/**
 * Takes the idempotency keys that are free. A submission whose key was used is answered with the job of that use. Of
 * several submissions with the same key the first stands for the others.
 * @throws {StintError} IDEMPOTENCY_KEY_REUSED when the key was used with another request
 */
export const answerReplays = async (tx: TransactionSql, prepared: Prepared[], answered: Answered): Promise<void> => {
  const groups = groupBy(prepared, (it) => it.idempotency && nameOfIdempotencyKey(toIdempotencyKey(it)))
  if (groups.size === 0) return
  const wanted = [...groups.values()].map(([first]) => toIdempotencyKey(first))
  const won = await idempotencyKeys.win(tx, wanted)
  const lost = wanted.filter((key) => !won.has(nameOfIdempotencyKey(key)))
  const found = lost.length > 0 ? await idempotencyKeys.list(tx, lost) : []
  const holders = new Map([...wanted, ...found].map((key) => [nameOfIdempotencyKey(key), key]))
  for (const [name, group] of groups) {
    const holder = holders.get(name)
    for (const it of won.has(name) ? group.slice(1) : group) {
      if (!holder || holder.bodyHash !== it.idempotency?.bodyHash) {
        throw new StintError(
          'IDEMPOTENCY_KEY_REUSED',
          `The idempotency key ${JSON.stringify(it.idempotency?.key)} was used with another request.`,
        )
      }
      answered.set(it, { jobId: holder.jobIds[0] ?? '', outcome: 'replayed' })
    }
  }
}

/**
 * Takes the unique keys that are free. A submission whose key another job has is answered with that job, or takes its place
 * if it asks for that and the other is still queued. A job that has expired is in nobody's way. A job that is already stored
 * had its turn before: the answer of its commit was lost, and whoever has its key by now came after it.
 * @returns the jobs that were replaced or had expired, cancelled by now
 */
export const answerDuplicates = async (
  tx: TransactionSql,
  prepared: Prepared[],
  answered: Answered,
): Promise<jobs.Cancelled[]> => {
  const groups = groupBy(prepared, (it) => it.unique && nameOf(toUniqueKey(it)))
  if (groups.size === 0) return []
  const siblings = new Set(prepared.map((it) => it.row.id))
  for (const [name, group] of groups) groups.set(name, leadFirst(group, siblings))
  const wanted = [...groups.values()].map(([first]) => toUniqueKey(first))
  const free = await uniqueKeys.takeFree(tx, wanted)
  const taken = wanted.filter((key) => !free.has(nameOf(key)))
  const { holders, expired } = await findHolders(tx, taken)
  const replaceable = holders.filter(
    (it) => it.state === 'queued' && !it.wanterIsThere && replaces(groups.get(nameOf(it))?.[0]),
  )
  const replaceableIds = replaceable.map((it) => it.jobId)
  const replaced = replaceableIds.length > 0 ? await jobs.cancelQueued(tx, replaceableIds) : []
  const gone = new Set(replaced.map((it) => it.id))
  const passed: uniqueKeys.UniqueKey[] = []
  for (const holder of holders) {
    const [first] = groups.get(nameOf(holder)) ?? []
    if (!first || holder.wanterIsThere) continue
    if (hasLost(holder) || gone.has(holder.jobId)) passed.push(toUniqueKey(first))
    else answered.set(first, { jobId: holder.jobId, outcome: 'duplicate' })
  }
  if (passed.length > 0) await uniqueKeys.pass(tx, passed)
  for (const [first, ...others] of groups.values()) {
    for (const it of others)
      answered.set(it, { jobId: answered.get(first)?.jobId ?? first.row.id, outcome: 'duplicate' })
  }
  await pointKeysAtHolders(tx, prepared, answered)
  return [...expired, ...replaced]
}

/** The holders of taken keys. Those that have expired are cancelled first, as the sweep would do in a moment. */
const findHolders = async (tx: TransactionSql, taken: uniqueKeys.UniqueKey[]) => {
  if (taken.length === 0) return { holders: [], expired: [] }
  const holders = await uniqueKeys.listHolders(tx, taken)
  const due = holders.filter((it) => it.jobExpired)
  if (due.length === 0) return { holders, expired: [] }
  const expired = await expiries.cancel(
    tx,
    due.map((it) => it.jobId),
  )
  return { holders: await uniqueKeys.listHolders(tx, taken), expired }
}

/**
 * Puts first the submission that stands for all that come with one key at the same moment. Had they come one after another,
 * each that replaces would have replaced the one before, so it is the last of those: an earlier one's input is out of date.
 * A submission that runs after a sibling replaces nothing, or it could come to wait for itself.
 */
const leadFirst = (group: Group, siblings: ReadonlySet<string>): Group => {
  let [lead] = group
  for (const it of group) {
    const takesPlace = replaces(it) && !it.after.some((id) => siblings.has(id))
    if (takesPlace && lead.after.length === 0) lead = it
  }
  return [lead, ...group.filter((it) => it !== lead)]
}

const replaces = (it: Prepared | undefined): boolean => it?.unique?.onDuplicate === 'replace'

/** Whether a key's holder was deleted, or has ended and its time with the key (`uniqueForSeconds`) is over. */
export const hasLost = ({ state, expired }: uniqueKeys.Holder): boolean =>
  state === null || (expired && hasEnded(state))

/** Makes idempotency keys that were just taken lead to the jobs that their requests were answered with. */
const pointKeysAtHolders = async (tx: TransactionSql, prepared: Prepared[], answered: Answered): Promise<void> => {
  const moved = prepared.flatMap((it) => {
    const jobId = answered.get(it)?.jobId
    return it.idempotency && jobId ? [{ ...toIdempotencyKey(it), jobIds: [jobId] }] : []
  })
  if (moved.length > 0) await idempotencyKeys.point(tx, moved)
}

/** The submissions that have a name, by it. */
const groupBy = (prepared: Prepared[], toName: (it: Prepared) => string | undefined): Map<string, Group> => {
  const groups = Map.groupBy(prepared, toName)
  groups.delete(undefined)
  return groups as Map<string, Group>
}

const nameOf = ({ projectId, key }: { projectId: string; key: string }): string => `${projectId} ${key}`

const nameOfIdempotencyKey = ({ ownerId, key }: idempotencyKeys.KeyName): string => `${ownerId} ${key}`

const toIdempotencyKey = ({ row, idempotency }: Prepared): idempotencyKeys.IdempotencyKey => ({
  ownerId: row.submittedBy ?? row.projectId,
  isJobs: row.submittedBy !== null,
  key: idempotency?.key ?? '',
  bodyHash: idempotency?.bodyHash ?? '',
  jobIds: [row.id],
})

const toUniqueKey = ({ row, unique }: Prepared): uniqueKeys.UniqueKey => ({
  projectId: row.projectId,
  key: unique?.key ?? '',
  jobId: row.id,
  forSeconds: unique?.forSeconds ?? 0,
})
