import { expect } from 'vitest'
import * as jobs from '../../db/queries/jobs.ts'
import { kinds } from '../../functions/jobs/index.ts'
import { createEngine, insertJobs, invoke } from '../support/engine.ts'
import { test } from '../support/world.ts'
import { siteRead } from './example-kinds.ts'

test('the kind in docs/coming-from.md submits a job for each page, and one that waits for all of them', async ({
  world: { app, sql },
}) => {
  const input = JSON.stringify({ urls: ['https://example.com/a', 'https://example.com/b'], to: 'ada@example.com' })
  const [id = ''] = await insertJobs(app, [{ kind: 'site.read', input }])
  await invoke(createEngine(app, [...kinds, siteRead]), { budget: 1 })
  expect(await jobs.find(sql, id)).toMatchObject({ state: 'succeeded', error: null })
  expect(await sql`SELECT kind, state, waits_for FROM jobs WHERE submitted_by = ${id} ORDER BY id`).toEqual([
    { kind: 'page.parse', state: 'queued', waitsFor: 0 },
    { kind: 'page.parse', state: 'queued', waitsFor: 0 },
    { kind: 'mail.send', state: 'blocked', waitsFor: 2 },
  ])
})
