import { tmpdir } from 'node:os'
import { z } from 'zod'
import { requireMetricsToken } from '../../lib/auth/metrics-token.ts'
import { resource } from '../../lib/http/resource.ts'
import { plain, route } from '../../lib/http/route.ts'
import { expose } from '../../lib/metrics/exporter.ts'
import { probeComponents } from '../use-cases/components.ts'
import { component, systemReply, viewSystem } from '../views/system.ts'
import { processes } from './processes.ts'

const healthReply = z
  .object({
    status: z.enum(['ok', 'degraded']).meta({ description: '`degraded` when any component is down.' }),
    components: z.array(component),
    version: z.string(),
    uptimeSeconds: z.int().meta({ description: 'Of the process that answers.' }),
  })
  .meta({ id: 'Health' })

const getHealth = route({
  method: 'GET',
  path: '/health',
  summary: 'Does everything work?',
  description:
    'Answers 200 while jobs can be submitted, which needs Postgres alone and room on its disk, and 503 when they ' +
    'cannot. A component that does not answer within 2 s is down. Results are up to a second old, those of Kafka up to five.',
  actor: 'anyone',
  replies: { 200: healthReply, 503: healthReply },
  run: async ({ app }) => {
    const components = await probeComponents(app)
    const down = components.filter(({ status }) => status === 'down').map(({ name }) => name)
    const body = {
      status: down.length > 0 ? ('degraded' as const) : ('ok' as const),
      components,
      version: app.config.version,
      uptimeSeconds: Math.floor(process.uptime()),
    }
    return down.includes('postgres') ? { status: 503, body } : { status: 200, body }
  },
})

const getSystem = route({
  method: 'GET',
  path: '/system',
  summary: 'The machine, the versions and the state of every component',
  actor: 'user',
  scope: 'jobs:read',
  replies: { 200: systemReply },
  run: async ({ app }) => ({ status: 200, body: await viewSystem(app, app.host?.dataDir ?? tmpdir()) }),
})

const getMetrics = route({
  method: 'GET',
  path: '/metrics',
  summary: 'All metrics, for Prometheus',
  description:
    'The text format, over all processes. Takes the `METRICS_TOKEN` as a bearer token. Where none is configured anyone ' +
    'may read them on one’s own machine, and nobody on AWS.',
  actor: 'anyone',
  replies: { 200: plain('Metrics in the text format of Prometheus.', 'text/plain') },
  errors: ['UNAUTHENTICATED'],
  run: async ({ app, headers }) => {
    requireMetricsToken(app, headers['authorization'])
    const { contentType, text } = await expose(app)
    return { status: 200, headers: { 'content-type': contentType, 'cache-control': 'no-store' }, body: text }
  },
})

export const handler = resource([getHealth, getSystem, getMetrics, ...processes])
