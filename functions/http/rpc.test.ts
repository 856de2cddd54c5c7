import { expect } from 'vitest'
import { binary } from '../../lib/rpc/binary.ts'
import { readMessage } from '../../lib/rpc/call.ts'
import { json } from '../../lib/rpc/json.ts'
import { CALL, EXCEPTION } from '../../lib/rpc/message.ts'
import { test, type World } from '../../tests/support/world.ts'
import { idl } from '../rpc/idl.ts'
import { jobQuery } from '../use-cases/job-list.ts'
import { submission } from '../use-cases/submission.ts'

test('takes of a submission and of a list whatever the routes take', () => {
  const { Submission, JobQuery } = idl.structs
  expect(Object.keys(Submission).toSorted()).toEqual([...Object.keys(submission.shape), 'idempotencyKey'].toSorted())
  expect(Object.keys(JobQuery).toSorted()).toEqual(Object.keys(jobQuery.shape).toSorted())
})

const THRIFT = { 'content-type': 'application/x-thrift' }

const send = (world: World, body: Buffer, token?: string) =>
  world.http('POST', '/rpc', { body, headers: THRIFT, ...(token && { token }) })

const getJob = (protocol: typeof binary, name = 'getJob') =>
  protocol.write({ name, type: CALL, sequence: 5 }, { jobId: '1' }, idl.methods.getJob.takes, idl)

const thrown = { problem: [1, 'Problem', 'optional'] } as const
const failed = { message: [1, 'string', 'optional'], type: [2, 'i32', 'optional'] } as const

test('a call without a valid token hears so in its own protocol, and its arguments are not even read', async ({
  world,
}) => {
  for (const protocol of [binary, json]) {
    const whole = getJob(protocol)
    const cut = protocol === binary ? whole.subarray(0, -5) : Buffer.from(`${whole}`.replace('"str"', '"i32"'))
    for (const [body, token] of [
      [whole, undefined],
      [cut, 'forged'],
    ] as const) {
      const answer = await send(world, body, token)
      expect(answer.status).toBe(200)
      const { problem } = readMessage(answer.body).read(thrown, idl) as { problem: object }
      expect(problem).toMatchObject({ code: 'UNAUTHENTICATED', status: 401, requestId: answer.headers['x-request-id'] })
    }
  }
})

test('what is wrong with a call itself is a TApplicationException', async ({ world }) => {
  const { accessToken } = await world.register()
  for (const [body, type] of [
    [getJob(binary, 'noSuch'), 1],
    [getJob(json, 'constructor'), 1],
    [binary.write({ name: 'getJob', type: 2, sequence: 5 }, {}, {}, idl), 2],
    [getJob(binary).subarray(0, -3), 7],
    [Buffer.from('[1,"getJob",1,5,{"1":{"str":7}}]'), 7],
  ] as const) {
    const answer = await send(world, body, accessToken)
    expect(answer).toMatchObject({ status: 200, headers: THRIFT })
    const received = readMessage(answer.body)
    expect(received).toMatchObject({ type: EXCEPTION, sequence: 5 })
    expect(received.read(failed, idl)).toMatchObject({ type })
  }
})

test('a message may have a megabyte', async ({ world }) => {
  const { accessToken } = await world.register()
  const [most, more] = [1024 * 1024, 1024 * 1024 + 1].map((size) => Buffer.concat([getJob(binary)], size))
  const taken = await send(world, most ?? Buffer.alloc(0), accessToken)
  // It is read: what comes after its end is what is wrong with it.
  expect(readMessage(taken.body)).toMatchObject({ type: EXCEPTION })
  const answer = await send(world, more ?? Buffer.alloc(0), accessToken)
  const { problem } = readMessage(answer.body).read(thrown, idl)
  expect(problem).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', status: 413 })
})

test('an input that is nested too deep is refused as what is wrong with its field', async ({ world }) => {
  const { accessToken } = await world.register()
  for (const levels of [201, 5_000, 100_000]) {
    const input = `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
    const body = binary.write(
      { name: 'submitJob', type: CALL, sequence: 5 },
      { submission: { kind: 'debug.noop', input } },
      idl.methods.submitJob.takes,
      idl,
    )
    const answer = await send(world, body, accessToken)
    expect(answer.status).toBe(200)
    const { problem } = readMessage(answer.body).read(thrown, idl) as { problem: object }
    expect(problem).toMatchObject({ code: 'VALIDATION_FAILED', status: 422, errors: [{ path: 'submission.input' }] })
  }
})

test('what is no message at all is a problem document', async ({ world }) => {
  const { accessToken } = await world.register()
  for (const body of ['', 'x', '[', '{}', '[1]', '\x80\x01']) {
    const answer = await send(world, Buffer.from(body, 'latin1'), accessToken)
    expect(answer).toMatchObject({ status: 400, body: { code: 'MALFORMED_RPC' } })
  }
})

test('a part that cannot be reached is told by the status, for whoever counts and repeats', async ({ world }) => {
  const { accessToken } = await world.register()
  const body = binary.write(
    { name: 'listJobs', type: CALL, sequence: 5 },
    { query: {} },
    idl.methods.listJobs.takes,
    idl,
  )
  await world.sql.end()
  const answer = await send(world, body, accessToken)
  expect(answer.status).toBeGreaterThanOrEqual(500)
  expect(answer.headers['content-type']).toBe('application/problem+json')
})
