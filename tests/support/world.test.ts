import { expect } from 'vitest'
import { test } from './world.ts'

test('has an empty, migrated database', async ({ world }) => {
  const [row] = await world.sql`SELECT count(*) AS people FROM users`
  expect(row).toEqual({ people: 0 })
})

test('has a database of its own', async ({ world }) => {
  await world.sql`INSERT INTO projects (id, name) VALUES (gen_random_uuid(), 'one')`
  const [row] = await world.sql`SELECT count(*) AS projects FROM projects`
  expect(row).toEqual({ projects: 1 })
})

test('has queues of its own', async ({ world }) => {
  await world.app.queue.ring([{ queue: 'default', n: 3 }])
  const [doorbell, ...others] = await world.app.queue.receive('default', { max: 10, waitSeconds: 0 })
  expect(JSON.parse(doorbell?.body ?? '')).toEqual({ v: 1, queue: 'default', n: 3 })
  expect(others).toEqual([])
})

test('has a bucket of its own', async ({ world }) => {
  await world.app.files.put('a/b', Buffer.from('hello'), 'text/plain')
  expect((await world.app.files.get('a/b', 100)).toString()).toBe('hello')
})

test('has a topic of its own', async ({ world }) => {
  expect(await world.events()).toEqual([])
})

test('answers an unknown address with a problem', async ({ world }) => {
  const answer = await world.http('GET', '/nowhere')
  expect(answer).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } })
})

test('takes a job from its submission to its events', async ({ world }) => {
  const { accessToken: token, projectId } = await world.register()
  const submitted = await world.http('POST', '/jobs', {
    token,
    body: { kind: 'math.pi', projectId, input: { digits: 50, method: 'chudnovsky' } },
  })
  expect(submitted).toMatchObject({ status: 202, body: { job: { state: 'queued' } } })
  const { id } = submitted.body.job
  await world.work('compute')
  expect((await world.http('GET', `/jobs/${id}`, { token })).body.job).toMatchObject({ state: 'succeeded' })
  await world.relay()
  const events = await world.events()
  expect(events.map((event) => [event.subject, event.type])).toEqual([
    [id, 'job.queued'],
    [id, 'job.started'],
    [id, 'job.succeeded'],
  ])
})
