import { expect } from 'vitest'
import { StintError } from '../../lib/core/errors.ts'
import { call } from '../../tests/support/http-client.ts'
import { test } from '../../tests/support/world.ts'

test('what may read thousands of jobs waits for its turn', async ({ world }) => {
  const { accessToken: token, userId, projectId, call: own } = await world.register()
  await world.sql`UPDATE users SET is_admin = true WHERE id = ${userId}`
  const { job } = (await own('POST', '/jobs', { kind: 'debug.noop', input: {} })).body
  const csv = { headers: { 'content-type': 'text/csv' }, body: Buffer.from('a') }
  const { file } = (await world.http('POST', '/files?name=a.csv', { token, ...csv })).body
  const { deviceModel } = (await own('POST', '/device-models', { code: '0111', name: 'Kettle' })).body
  const { after } = (await own('GET', '/live/events')).body
  const askedBy: string[] = []
  const app = await world.anotherApp({
    scan: async (who) => {
      askedBy.push(who)
      throw new StintError('RATE_LIMITED', undefined, { headers: { 'retry-after': '1' } })
    },
  })
  const reads: [string, string, unknown?][] = [
    ['GET', '/jobs?tag=x'],
    ['GET', '/jobs?state=queued&text=x'],
    ['GET', '/activity'],
    ['GET', '/failures'],
    ['GET', `/jobs/${job.id}/relatives`],
    ['GET', '/queues/default/load'],
    ['GET', `/live/events?after=${after}`],
    ['GET', `/device-models/${deviceModel.id}/serial-numbers.csv?first=1&last=9`],
    ['DELETE', `/files/${file.id}`],
    ['POST', '/jobs/cancel', { state: 'queued', tag: 'x' }],
    ['POST', '/jobs/cancel', { tree: job.id }],
    ['POST', '/queues/default/drain', { projectId }],
    ['POST', '/queues/default/redrive', { projectId, code: 'X' }],
  ]
  for (const [method, path, body] of reads) {
    const answer = await call(app, method, path, { token, ...(body !== undefined && { body }) })
    expect.soft([method, path, answer.status, answer.body.code]).toEqual([method, path, 429, 'RATE_LIMITED'])
  }
  expect(askedBy).toEqual(reads.map(() => userId))
  expect(await call(app, 'GET', '/jobs', { token })).toMatchObject({ status: 200, body: { items: [{ id: job.id }] } })
})
