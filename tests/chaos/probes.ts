import { setTimeout as sleep } from 'node:timers/promises'
import type { Stack } from '../../infra/local/stack.ts'
import type { Client, Reply } from './client.ts'
import type { Database } from './database.ts'
import type { KafkaCollector } from './kafka-collector.ts'

export type Part = 'host' | 'postgres' | 'sqs-s3' | 'kafka'

/** Per part: resolves at its first successful use by another process than the one that was killed. */
export type Probes = Record<Part, (killed: number) => Promise<void>>

export interface ProbeOptions {
  stack: Stack
  client: Client
  database: Database
  collector: KafkaCollector
}

/** Generous, for a busy machine. */
const PATIENCE_MS = 300_000

/** For each part, what a user would do with it. */
export const createProbes = ({ stack, client, database, collector }: ProbeOptions): Probes => {
  let probed = 0

  /** A job of its own project, so that it waits behind nobody's backlog. */
  const submitProbe = async (): Promise<string | undefined> => {
    const name = `probe-${++probed}`
    const body = { kind: 'debug.noop', input: {}, name, tags: ['ends:succeeded'] }
    const reply: Reply | undefined = await client.once('POST', '/jobs', { body })
    return reply?.status === 202 ? reply.body.job.id : undefined
  }

  const isAnswered = async (): Promise<boolean> => (await client.once('GET', '/jobs?limit=1'))?.status === 200

  const isStored = async (): Promise<boolean> => {
    const bytes = { contentType: 'text/plain', content: new TextEncoder().encode('a probe') }
    return (await client.once('POST', '/files?name=probe.txt', { bytes }))?.status === 201
  }

  /** Whether one of the probes has run, by a doorbell that was rung since. */
  const anyEnded = (ids: string[]): Promise<boolean> =>
    database.read(async (sql) => {
      const rows = await sql`SELECT FROM jobs WHERE id = ANY (${ids}::uuid[]) AND state = 'succeeded' LIMIT 1`
      return rows.length === 1
    })

  /** Repeats until it succeeds, once another process has replaced the dead one. */
  const until = async (part: Part, killed: number, isSo: () => Promise<boolean>): Promise<void> => {
    for (const deadline = performance.now() + PATIENCE_MS; ; await sleep(20)) {
      const now = stack.run().find(({ name }) => name === part)?.pid
      if (now !== undefined && now !== killed && (await isSo())) return
      if (performance.now() > deadline) throw new Error(`${part} was killed and could not be used again`)
    }
  }

  return {
    host: (killed) => until('host', killed, isAnswered),
    postgres: (killed) => until('postgres', killed, isAnswered),
    'sqs-s3': async (killed) => {
      const probes: string[] = []
      await until('sqs-s3', killed, async () => {
        const id = await submitProbe()
        if (id) probes.push(id)
        return (await anyEnded(probes)) && (await isStored())
      })
    },
    kafka: async (killed) => {
      const probes: string[] = []
      await until('kafka', killed, async () => {
        const id = await submitProbe()
        if (id) probes.push(id)
        return probes.some((probe) => collector.events.has(`${probe}:1`))
      })
    },
  }
}
