import { expect } from 'vitest'
import { insertJobs } from '../support/engine.ts'
import { test } from '../support/world.ts'
import { Traffic } from './traffic.ts'
import { watchClaims } from './watch-claims.ts'

test('a claim may pass over a job of higher priority that expires in that moment, and no other', async ({ world }) => {
  const { sql } = world
  const failuresOf = async (expiresMeanwhile: boolean): Promise<string[]> => {
    const [high = '', low = ''] = await insertJobs(world.app, [{ priority: 10, expiresInSeconds: 3_600 }, {}])
    const failures = new Set<string>()
    await watchClaims(
      sql,
      new Traffic(sql),
      failures,
    )('claims.claim', async () => {
      if (expiresMeanwhile) await sql`UPDATE jobs SET expires_at = now() WHERE id = ${high}`
      await sql`DELETE FROM jobs WHERE id = ${low}`
      return [{ id: low }]
    })
    await sql`DELETE FROM jobs WHERE id = ${high}`
    return [...failures]
  }
  expect(await failuresOf(true)).toEqual([])
  expect(await failuresOf(false)).toEqual(['a claim passed over a job of higher priority'])
})
