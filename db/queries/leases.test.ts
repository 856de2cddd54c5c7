import { expect } from 'vitest'
import { insertJobs } from '../../tests/support/engine.ts'
import { untilOneWaits } from '../../tests/support/lock-waits.ts'
import { claimWaiting } from '../../tests/support/waiting-jobs.ts'
import { test } from '../../tests/support/world.ts'
import * as dependencies from './dependencies.ts'
import * as jobs from './jobs.ts'
import * as leases from './leases.ts'
import * as outcomes from './outcomes.ts'
import * as safePoints from './safe-points.ts'

test('what a stint writes behind its fence keeps nobody waiting but who would end it', async ({
  world: { app, sql },
}) => {
  await insertJobs(app, [{}])
  const [job] = await claimWaiting(sql, 1)
  if (!job) throw new Error('nothing was claimed')
  const { id, stint } = job
  let ending: Promise<outcomes.Settled[]> | undefined
  const order: string[] = []
  await sql.begin(async (tx) => {
    expect(await leases.lockHeld(tx, id, stint)).not.toBeNull()
    expect(await leases.extend(sql, { ids: [id], stints: [stint] }, 60)).toEqual([id])
    expect(await safePoints.save(sql, [{ id, stint, progress: 0.5 }])).toEqual([id])
    expect(await dependencies.lockParents(sql, [id])).toHaveLength(1)
    expect(await jobs.cancel(sql, [id])).toMatchObject([{ state: 'running', changed: true }])
    await jobs.acknowledgeCancel(sql, [id], [stint])
    expect(await leases.endOf(sql, ['w'])).toBe(1)
    expect(await leases.grant(sql, 60, 0)).toBe(1)
    ending = outcomes
      .settle(sql, [{ id, stint, ending: 'yielded', runMs: 1 }], 'with parents')
      .finally(() => order.push('ended'))
    await untilOneWaits(sql)
    order.push('written')
  })
  expect(await ending).toMatchObject([{ state: 'cancelled' }])
  expect(order).toEqual(['written', 'ended'])
  expect(await sql.begin((tx) => leases.lockHeld(tx, id, stint))).toBeNull()
})

// As of somebody who creates an index. A worker's claims and renewals wait, and each was for a minute after it began to.
test('a lease counts from when it is written, and not from when somebody began to wait for that', async ({
  world: { app, sql },
}) => {
  await insertJobs(app, [{}])
  const written = async (write: () => Promise<unknown>): Promise<unknown> => {
    let writing: Promise<unknown> | undefined
    const [locked] = await sql.begin(async (tx) => {
      await tx`LOCK TABLE jobs IN SHARE MODE`
      writing = write()
      await untilOneWaits(sql)
      return tx<[{ until: Date }]>`SELECT clock_timestamp() AS until`
    })
    await writing
    const [row] = await sql`SELECT lease_until >= ${locked.until} + interval '60 seconds' AS whole FROM jobs`
    return row?.['whole']
  }
  const held: leases.Held = { ids: [], stints: [] }
  const claim = async () => {
    for (const { id, stint } of await claimWaiting(sql, 1)) held.ids.push(id) && held.stints.push(stint)
  }
  expect(await written(claim)).toBe(true)
  expect(await written(() => leases.extend(sql, held, 60))).toBe(true)
  expect(await written(() => leases.grant(sql, 60, 120))).toBe(true)
})
