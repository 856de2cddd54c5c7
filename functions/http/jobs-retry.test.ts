import { expect } from 'vitest'
import { type Person, test } from '../../tests/support/world.ts'

/** A job that was cancelled. */
const makeCancelled = async ({ call }: Person): Promise<string> => {
  const { id } = (await call('POST', '/jobs', { kind: 'debug.noop', input: { echo: 1 } })).body.job
  await call('POST', `/jobs/${id}/cancel`)
  return id
}

test('a cancelled job is retried, runs, and is then not retried again', async ({ world }) => {
  const ada = await world.register()
  const id = await makeCancelled(ada)
  const retried = await ada.call('POST', `/jobs/${id}/retry`)
  expect(retried).toMatchObject({ status: 202, body: { job: { id, state: 'queued', finishedAt: null } } })
  expect((await ada.call('POST', `/jobs/${id}/retry`, {})).body.code).toBe('JOB_NOT_ENDED')
  await world.work('default')
  expect((await ada.call('GET', `/jobs/${id}`)).body.job).toMatchObject({ state: 'succeeded', result: { echo: 1 } })
  expect(await ada.call('POST', `/jobs/${id}/retry`, {})).toMatchObject({
    status: 409,
    body: { code: 'JOB_SUCCEEDED' },
  })
  const { items } = (await ada.call('GET', `/jobs/${id}/events`)).body
  expect(items.map((it: { type: string }) => it.type)).toEqual([
    'job.queued',
    'job.cancelled',
    'job.queued',
    'job.started',
    'job.succeeded',
  ])
})

test('a job is deleted once it has ended and its events are published', async ({ world }) => {
  const ada = await world.register()
  const { id } = (await ada.call('POST', '/jobs', { kind: 'debug.noop', input: {} })).body.job
  expect((await ada.call('DELETE', `/jobs/${id}`)).body.code).toBe('JOB_NOT_ENDED')
  await world.work('default')
  expect((await ada.call('DELETE', `/jobs/${id}`)).body).toMatchObject({
    code: 'JOB_UNPUBLISHED',
    detail: expect.stringContaining('Ask again in a moment'),
  })
  await world.relay()
  expect((await ada.call('DELETE', `/jobs/${id}`)).status).toBe(204)
  expect((await ada.call('GET', `/jobs/${id}`)).body.code).toBe('JOB_NOT_FOUND')
  expect((await ada.call('DELETE', `/jobs/${id}`)).body.code).toBe('JOB_NOT_FOUND')
})

test('a job with a live child is not deleted', async ({ world }) => {
  const ada = await world.register()
  const { id } = (await ada.call('POST', '/jobs', { kind: 'debug.noop', input: {} })).body.job
  await world.work('default')
  const later = { kind: 'debug.noop', input: {}, after: [id], delaySeconds: 100 }
  const child = (await ada.call('POST', '/jobs', later)).body.job.id
  await world.relay()
  expect(await ada.call('DELETE', `/jobs/${id}`)).toMatchObject({ status: 409, body: { code: 'JOB_IN_USE' } })
  await ada.call('POST', `/jobs/${child}/cancel`)
  expect((await ada.call('DELETE', `/jobs/${id}`)).status).toBe(204)
})

test('a viewer neither retries nor deletes, and a stranger is told that there is none', async ({ world }) => {
  const ada = await world.register()
  const [grace, mallory] = [await world.register(), await world.register()]
  const id = await makeCancelled(ada)
  await ada.call('PUT', `/projects/${ada.projectId}/members/${grace.userId}`, { role: 'viewer' })
  const codes = async ({ call }: typeof ada) => [
    (await call('POST', `/jobs/${id}/retry`, {})).body.code,
    (await call('DELETE', `/jobs/${id}`)).body.code,
  ]
  expect(await codes(grace)).toEqual(['FORBIDDEN', 'FORBIDDEN'])
  expect(await codes(mallory)).toEqual(['JOB_NOT_FOUND', 'JOB_NOT_FOUND'])
})
