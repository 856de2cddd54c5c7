import { expect } from 'vitest'
import { createEngine, insertJobs, invoke } from '../../tests/support/engine.ts'
import { test } from '../../tests/support/world.ts'
import { fromMessage } from './cloud-event.ts'
import type { Message, Publisher } from './publisher.ts'
import { relay, republish } from './relay.ts'

const recording = (fail: (batch: Message[]) => 'before' | 'after' | undefined = () => undefined) => {
  const got: Message[] = []
  const publisher: Publisher = {
    publish: async (_topic, messages) => {
      const when = fail(messages)
      if (when === 'before') throw new Error('no broker')
      got.push(...messages)
      if (when === 'after') throw new Error('no answer')
    },
    ready: async () => {},
    close: async () => {},
  }
  return { publisher, got }
}
const seqs = (messages: Message[], jobId: string) =>
  messages.filter((it) => it.key === jobId).map((it) => fromMessage(it.value).seq)

test('every event is published once, in order per job, with its CloudEvents attributes', async ({ world }) => {
  const { publisher, got } = recording()
  const app = { ...world.app, publisher }
  const [id = ''] = await insertJobs(app, [{ name: 'named' }])
  await invoke(createEngine(app))
  await relay(app)
  await relay(app)
  expect(seqs(got, id)).toEqual([1, 2, 3])
  const [first] = got
  expect(first?.headers).toMatchObject({
    ce_type: 'job.queued',
    ce_id: `${id}:1`,
    'content-type': 'application/cloudevents+msgpack',
  })
  expect(fromMessage(first?.value as Buffer)).toMatchObject({
    specversion: '1.0',
    id: `${id}:1`,
    type: 'job.queued',
    subject: id,
    seq: 1,
    data: { kind: 'test.echo', name: 'named' },
  })
})

test('with Kafka down events wait, and a lost answer repeats them but never drops one', async ({ world }) => {
  let failures = 2
  const { publisher, got } = recording(() => (failures-- > 1 ? 'before' : failures >= 0 ? 'after' : undefined))
  const app = { ...world.app, publisher }
  const [id = ''] = await insertJobs(app, [{}])
  await expect(relay(app)).rejects.toThrow('no broker')
  await expect(relay(app)).rejects.toThrow('no answer')
  await relay(app)
  expect(seqs(got, id)).toEqual([1, 1])
  expect(await world.sql`SELECT FROM outbox`).toHaveLength(0)
})

test('a relay that doesn’t hold the lease publishes nothing', async ({ world }) => {
  const { publisher, got } = recording()
  await world.sql`INSERT INTO runners VALUES ('relay', 'another', now() + interval '1 minute')`
  await insertJobs(world.app, [{}])
  await relay({ ...world.app, publisher })
  expect(got).toEqual([])
})

test('an event committed late with an early id is not passed over', async ({ world }) => {
  const { publisher, got } = recording()
  const app = { ...world.app, publisher }
  const late = Promise.withResolvers<void>()
  const written = Promise.withResolvers<void>()
  const slow = world.sql.begin(async (tx) => {
    await tx`INSERT INTO events (job_id, project_id, seq, type) VALUES (gen_random_uuid(), gen_random_uuid(), 1, 'job.queued')`
    written.resolve()
    await late.promise
  })
  await written.promise
  const [id = ''] = await insertJobs(app, [{}])
  await relay(app)
  expect(got.map((it) => it.key)).toEqual([id])
  late.resolve()
  await slow
  await relay(app)
  expect(got).toHaveLength(2)
})

test('thousands of events go in batches, and a broker that lost its log gets them again', async ({ world }) => {
  const { publisher, got } = recording()
  const app = { ...world.app, publisher }
  await insertJobs(
    app,
    Array.from({ length: 2_500 }, () => ({})),
  )
  await relay(app)
  expect(got).toHaveLength(2_500)
  const [waiting = ''] = await insertJobs(app, [{}])
  await republish(app)
  await relay(app)
  expect(got).toHaveLength(5_001)
  expect(got.at(-1)?.key).toBe(waiting)
})
