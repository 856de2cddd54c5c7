import { expect } from 'vitest'
import type { LiveGateway } from '../../lib/live/gateway.ts'
import type { LiveEvent } from '../../lib/live/live-event.ts'
import { test, type World } from '../../tests/support/world.ts'
import { pushEvents } from './live-push.ts'

/** Takes what is posted; of some connections it says something else. */
const recording = (special: Record<string, 'gone' | 'failing'> = {}) => {
  const posted: Record<string, number[]> = {}
  const closed: string[] = []
  const gateway: LiveGateway = {
    post: async (id, frame) => {
      if (special[id] === 'gone') return 'gone'
      if (special[id] === 'failing') throw new Error('throttled')
      posted[id] = [...(posted[id] ?? []), ...JSON.parse(frame).events.map((it: LiveEvent) => it.seq)]
      return 'sent'
    },
    close: async (id) => void closed.push(id),
    end: () => {},
  }
  return { gateway, posted, closed }
}

const connect = async ({ sql }: World, userId: string, ...ids: string[]) => {
  for (const id of ids) {
    await sql`INSERT INTO live_connections (id, user_id, ends_at) VALUES (${id}, ${userId}, now() + interval '1 hour')`
  }
}

const event = (projectId: string, seq: number): LiveEvent => ({
  type: 'job.progressed',
  jobId: '01a20610-c462-7693-9270-2c83469d56d3',
  projectId,
  seq,
  createdAt: '2026-11-23T00:00:00Z',
  xid: 1,
  data: {},
})

const connected = async ({ sql }: World): Promise<string[]> => {
  const rows = await sql<{ id: string }[]>`SELECT id FROM live_connections ORDER BY id`
  return rows.map((row) => row.id)
}

test('each connection gets the events of its person’s projects, in their order', async ({ world }) => {
  const [ada, bob] = [await world.register('Ada'), await world.register('Bob')]
  await world.http('POST', `/projects/${ada.projectId}/members`, {
    token: ada.accessToken,
    body: { email: bob.email, role: 'viewer' },
  })
  await connect(world, ada.userId, 'phone', 'laptop')
  await connect(world, bob.userId, 'bob')
  const { gateway, posted } = recording()
  const events = [1, 2, 3, 4].map((seq) => event(seq % 2 ? ada.projectId : bob.projectId, seq))
  await pushEvents({ ...world.app, live: gateway }, events)
  expect(posted).toEqual({ phone: [1, 3], laptop: [1, 3], bob: [1, 2, 3, 4] })
})

test('nothing goes to who has left, whose session ended, whose time is up, or whose project was deleted', async ({
  world,
}) => {
  const ada = await world.register('Ada')
  await connect(world, ada.userId, 'late')
  await world.sql`UPDATE live_connections SET ends_at = now() - interval '1 second'`
  await connect(world, ada.userId, 'deleted')
  const { gateway, posted } = recording()
  const push = () => pushEvents({ ...world.app, live: gateway }, [event(ada.projectId, 1)])
  await world.sql`UPDATE projects SET deleted_at = now()`
  await push()
  await world.sql`UPDATE projects SET deleted_at = NULL`
  await world.sql`
    UPDATE live_connections SET session_id = (SELECT id FROM sessions) WHERE id = 'deleted'`
  await world.sql`UPDATE sessions SET revoked_at = now()`
  await push()
  await world.sql`UPDATE sessions SET revoked_at = NULL`
  await world.sql`DELETE FROM memberships`
  await push()
  expect(posted).toEqual({})
})

test('a connection that is gone is removed, but not one that may only not be open yet', async ({ world }) => {
  const ada = await world.register('Ada')
  await connect(world, ada.userId, 'gone', 'fine')
  await world.sql`UPDATE live_connections SET connected_at = now() - interval '11 seconds'`
  await connect(world, ada.userId, 'young')
  const { gateway, posted } = recording({ gone: 'gone', young: 'gone' })
  await pushEvents({ ...world.app, live: gateway }, [event(ada.projectId, 1)])
  expect(posted).toEqual({ fine: [1] })
  expect(await connected(world)).toEqual(['fine', 'young'])
})

test('one that takes nothing is cut off, and the others don’t suffer', async ({ world }) => {
  const ada = await world.register('Ada')
  await connect(world, ada.userId, 'ill', 'well')
  const { gateway, posted, closed } = recording({ ill: 'failing' })
  await pushEvents({ ...world.app, live: gateway }, [event(ada.projectId, 1)])
  expect({ posted, closed }).toEqual({ posted: { well: [1] }, closed: ['ill'] })
})
