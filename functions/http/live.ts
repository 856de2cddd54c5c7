import { z } from 'zod'
import type { App } from '../../lib/app.ts'
import { bearerToken } from '../../lib/auth/bearer.ts'
import { resource } from '../../lib/http/resource.ts'
import { route } from '../../lib/http/route.ts'
import { id, timestamp } from '../../lib/http/schemas.ts'
import { projectsToList } from '../use-cases/job-access.ts'
import { CATCH_UP_SECONDS, catchUp, giveTicket, TICKET_SECONDS } from '../use-cases/live.ts'

const liveEvent = z
  .object({
    type: z.string().meta({ description: 'One of those of `GET /jobs/{jobId}/events`, with its `data`.' }),
    jobId: id,
    projectId: id,
    seq: z.int().meta({ description: 'Per job, from 1, without gaps.' }),
    createdAt: timestamp,
    xid: z.int().meta({ description: 'The transaction that wrote it.' }),
    data: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'LiveEvent' })

const createTicket = route({
  method: 'POST',
  path: '/live/tickets',
  summary: 'A ticket for one WebSocket',
  description:
    'Open the `url` within 30 s. It brings `{"type":"events","events":[LiveEvent …]}`, the events of the jobs of all your ' +
    'projects, each at least once and in order per job. Send `{"type":"ping"}` at least every ten minutes; the answer is ' +
    '`{"type":"pong","secondsLeft":…}`, or `{"type":"reconnect"}` when the connection is to end. It ends with the session ' +
    'that it was opened in, and after two hours. A person may have 100. It brings the events of all projects, so no API ' +
    'key opens one: programs ask `GET /live/events`.',
  actor: 'user',
  replies: {
    201: z.object({
      ticket: z.string().meta({ description: 'Good for one connection.' }),
      url: z.string().meta({ description: 'With the ticket in it.' }),
      expiresInSeconds: z.int(),
    }),
  },
  errors: ['LIMIT_REACHED'],
  run: async ({ app, actor, headers }) => {
    const ticket = await giveTicket(app, actor, bearerToken(headers['authorization']) ?? '')
    const url = `${liveUrl(app, headers)}?ticket=${ticket}`
    return { status: 201, body: { ticket, url, expiresInSeconds: TICKET_SECONDS } }
  },
})

const listMissed = route({
  method: 'GET',
  path: '/live/events',
  summary: 'The events since an earlier answer',
  description:
    'For catching up after a break, and for polling. Without `after` there are no events, only the present `after`. With it, ' +
    `each event since then comes once. If it is older than ${CATCH_UP_SECONDS / 60} minutes, the answer is \`reset\`: read the jobs anew.`,
  actor: 'user',
  scope: 'jobs:read',
  query: z.object({
    after: z.string().max(8_000).optional().meta({ description: '`after` of an earlier answer.' }),
    projectId: id.optional().meta({ description: 'By default all your projects; for an API key, its own.' }),
  }),
  replies: {
    200: z.object({
      events: z.array(liveEvent).meta({ description: 'In order per job.' }),
      after: z.string(),
      hasMore: z.boolean().meta({ description: 'There are more: ask again at once.' }),
      reset: z.boolean().meta({ description: 'Some events can no longer be given: load the jobs again.' }),
    }),
  },
  errors: ['PROJECT_NOT_FOUND', 'RATE_LIMITED'],
  run: async ({ app, actor, query }) => {
    const projectIds = await projectsToList(app, actor, query.projectId)
    return { status: 200, body: await catchUp(app, actor, projectIds, query.after) }
  },
})

/** Without a separate WebSocket API, the host of this API serves WebSockets too. */
const liveUrl = (app: App, headers: Record<string, string | undefined>): string =>
  app.config.live.url ?? `${headers['x-forwarded-proto'] === 'https' ? 'wss' : 'ws'}://${headers['host']}/live`

export const handler = resource([createTicket, listMissed])
