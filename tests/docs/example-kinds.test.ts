import { expect } from 'vitest'
import * as jobs from '../../db/queries/jobs.ts'
import { kinds } from '../../functions/jobs/index.ts'
import { createEngine, insertJobs, invoke } from '../support/engine.ts'
import { test } from '../support/world.ts'
import { orderPlace, siteRead } from './example-kinds.ts'

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

test('the kind in docs/coming-from.md that waits has a job wait a day, and another one for a person', async ({
  world: { app, sql },
}) => {
  const input = JSON.stringify({ approver: 'ada@example.com', supplier: 'eve@example.com', text: 'Ten of 0111' })
  const [id = ''] = await insertJobs(app, [{ kind: 'order.place', input }])
  const engine = createEngine(app, [...kinds, orderPlace])
  await invoke(engine, { budget: 1 })
  const [waiting] = await sql`
    SELECT state, attempt, extract(epoch FROM start_at - started_at) > 86000 AS is_far FROM jobs WHERE id = ${id}`
  expect(waiting).toEqual({ state: 'queued', attempt: 1, isFar: true })
  await sql`UPDATE jobs SET start_at = now() WHERE id = ${id}`
  await invoke(engine, { budget: 1 })
  expect(await jobs.find(sql, id)).toMatchObject({ state: 'succeeded', stint: 2 })
  expect(
    await sql`
      SELECT state, input->>'subject' AS subject, start_at > now() + interval '9 years' AS waits
      FROM jobs WHERE submitted_by = ${id} ORDER BY id`,
  ).toEqual([
    { state: 'queued', subject: 'Our order', waits: true },
    { state: 'queued', subject: 'An order', waits: false },
  ])
})
