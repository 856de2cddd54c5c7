import * as health from '../../db/queries/health.ts'
import type { App } from '../../lib/app.ts'
import { memoizeByOwner } from '../../lib/core/by-owner.ts'
import { createProbe, type ProbeResult } from '../../lib/core/probe.ts'
import { QUEUES } from '../../lib/queue/doorbells.ts'

/** The components that Stint depends on. */
export const COMPONENTS = ['postgres', 'sqs', 's3', 'kafka'] as const

type ComponentName = (typeof COMPONENTS)[number]

export interface ComponentState extends Omit<ProbeResult, 'ok'> {
  name: ComponentName
  status: 'up' | 'down'
}

/** Asks every component whether it works. Answers are up to a second old, those of Kafka up to five. */
export const probeComponents = (app: App): Promise<ComponentState[]> =>
  Promise.all(
    COMPONENTS.map(async (name) => {
      const { ok, ...rest } = await probesOf(app)[name]()
      return { name, status: ok ? ('up' as const) : ('down' as const), ...rest }
    }),
  )

type Probes = Record<ComponentName, () => Promise<ProbeResult>>

/** One set per app, so that one request's answers serve the next ones too. */
const probesOf = memoizeByOwner((app: App): Probes => {
  const probe = (component: string, cacheMs: number, check: () => Promise<unknown>) =>
    createProbe({
      check,
      timeoutMs: 2_000,
      cacheMs,
      now: app.clock.now,
      onError: (error) => app.log.warn({ err: error, component }, 'a component does not answer'),
    })
  return {
    postgres: probe('postgres', 1_000, () => health.checkRoom(app.sql)),
    sqs: probe('sqs', 1_000, () => Promise.all(QUEUES.map((queue) => app.queue.visible(queue)))),
    s3: probe('s3', 1_000, () => app.files.ready()),
    // Each check of Kafka opens a connection of its own.
    kafka: probe('kafka', 5_000, () => app.publisher.ready()),
  }
})
