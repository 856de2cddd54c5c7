import { z } from 'zod'
import * as health from '../../db/queries/health.ts'
import type { App } from '../../lib/app.ts'
import { requireMetricsToken } from '../../lib/auth/metrics-token.ts'
import { createProbe, type ProbeResult } from '../../lib/core/probe.ts'
import { resource } from '../../lib/http/resource.ts'
import { plain, route } from '../../lib/http/route.ts'
import { expose } from '../../lib/metrics/exporter.ts'
import { QUEUES } from '../../lib/queue/doorbells.ts'

const COMPONENTS = ['postgres', 'sqs', 's3', 'kafka'] as const

const healthReply = z
  .object({
    status: z.enum(['ok', 'degraded']).meta({ description: '`degraded` when any component is down.' }),
    components: z.array(
      z.object({
        name: z.enum(COMPONENTS),
        status: z.enum(['up', 'down']),
        latencyMs: z.number(),
        error: z.string().optional(),
      }),
    ),
    version: z.string(),
    uptimeSeconds: z.int().meta({ description: 'Of the process that answers.' }),
  })
  .meta({ id: 'Health' })

export const getHealth = route({
  method: 'GET',
  path: '/health',
  summary: 'Does everything work?',
  description:
    'Answers 200 while jobs can be submitted, which needs Postgres alone, and 503 when they cannot. A component that ' +
    'does not answer within 2 s is down. Results are up to a second old, those of Kafka up to five.',
  actor: 'anyone',
  replies: { 200: healthReply, 503: healthReply },
  run: async ({ app }) => {
    const components = await Promise.all(COMPONENTS.map(async (name) => toComponent(name, await probesOf(app)[name]())))
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

export const getMetrics = route({
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

type Probes = Record<(typeof COMPONENTS)[number], () => Promise<ProbeResult>>

/** One set per app: what was asked for one request answers the next ones. */
const probes = new WeakMap<App, Probes>()

const probesOf = (app: App): Probes => {
  const known = probes.get(app)
  if (known) return known
  const probe = (component: string, cacheMs: number, check: () => Promise<unknown>) =>
    createProbe({
      check,
      timeoutMs: 2_000,
      cacheMs,
      now: app.clock.now,
      onError: (error) => app.log.warn({ err: error, component }, 'a component does not answer'),
    })
  const made: Probes = {
    postgres: probe('postgres', 1_000, () => health.ping(app.sql)),
    sqs: probe('sqs', 1_000, () => Promise.all(QUEUES.map((queue) => app.queue.visible(queue)))),
    s3: probe('s3', 1_000, () => app.files.ready()),
    // Each check of Kafka opens a connection of its own.
    kafka: probe('kafka', 5_000, () => app.publisher.ready()),
  }
  probes.set(app, made)
  return made
}

const toComponent = (name: (typeof COMPONENTS)[number], { ok, ...rest }: ProbeResult) => ({
  name,
  status: ok ? ('up' as const) : ('down' as const),
  ...rest,
})

export const handler = resource([getHealth, getMetrics])
