import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Pool } from '../db/client.ts'
import * as outbox from '../db/queries/outbox.ts'
import { scratchFolder } from '../infra/local/shared/scratch-folder.ts'
import { type Stack, startStack } from '../infra/local/stack.ts'
import { environmentOfRunning } from '../infra/local/supervisor/running-stack.ts'
import { type App, createApp } from '../lib/app.ts'
import { readConfig } from '../lib/core/config.ts'
import { ringFor } from '../lib/queue/ring.ts'
import { type Counters, readCounters, STATISTICS_LAG_MS } from './counters.ts'

/** A stack as `npm start` runs it, on a fresh folder, with one user and a connection to its database. */
export interface MeasuredStack {
  stack: Stack
  port: number
  token: string
  sql: Pool
  app: App
  http(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>
  /** Nothing of the queue `default` starts from now on. */
  pause(): Promise<void>
  /** The queue goes on, with doorbells for `jobs` jobs. */
  release(jobs: number): Promise<void>
  counters(): Promise<Counters>
  /** Resolves when no job is queued or running, and all events are published. */
  idle(): Promise<void>
  stop(): Promise<void>
}

export const startMeasuredStack = async (env: Record<string, string> = {}): Promise<MeasuredStack> => {
  const folder = scratchFolder('bench')
  const counts = await mkdtemp(join(countsFolder(), 'stint-bench-counts-'))
  const preload = fileURLToPath(new URL('./count-requests.mjs', import.meta.url))
  const dataDir = join(folder, 'data')
  const stack = await startStack({
    dataDir,
    env: {
      LOG_LEVEL: 'info',
      NODE_OPTIONS: `--import=${preload} --disable-warning=ExperimentalWarning`,
      BENCH_COUNTS: counts,
      ...env,
    },
  })
  const app = await appOf(dataDir)
  const { sql } = app
  const port = Number(new URL(stack.url).port)
  const http = (method: string, path: string, body?: unknown) => request(stack.url, method, path, body, token)
  let token = ''
  const password = 'correct horse battery staple'
  const registered = await http('POST', '/auth/register', { email: 'bench@example.com', password, name: 'Bench' })
  token = String(registered['accessToken'])

  return {
    stack,
    port,
    token,
    sql,
    app,
    http,
    pause: async () => {
      await sql`UPDATE queues SET paused_at = now() WHERE name = 'default'`
    },
    release: async (jobs) => {
      await sql`UPDATE queues SET paused_at = NULL WHERE name = 'default'`
      await ringFor(
        app,
        Array.from({ length: jobs }, () => ({ queue: 'default', delayMs: 0 })),
      )
    },
    counters: async () => {
      await sleep(STATISTICS_LAG_MS)
      return readCounters(sql, counts)
    },
    idle: async () => {
      for (let pause = 50; await isBusy(sql); pause = Math.min(1_000, pause * 2)) await sleep(pause)
    },
    stop: async () => {
      await app.close()
      await stack.stop()
      await rm(folder, { recursive: true, force: true })
      await rm(counts, { recursive: true, force: true })
    },
  }
}

/** In memory where it can be: a file system that PostgreSQL syncs at each commit keeps whoever writes beside it waiting. */
const countsFolder = (): string => (existsSync('/dev/shm') ? '/dev/shm' : tmpdir())

const appOf = async (dataDir: string): Promise<App> => {
  const env = await environmentOfRunning(dataDir)
  if (!env) throw new Error(`no stack runs on ${dataDir}`)
  return createApp(readConfig({ ...env, LOG_LEVEL: 'warn' }), 'bench')
}

const isBusy = async (sql: Pool): Promise<boolean> => (await hasOpenJobs(sql)) || (await outbox.measure(sql)).events > 0

/** Ordered as the partial indexes of such jobs are, so that the planner uses those, whatever its statistics say. */
export const hasOpenJobs = async (sql: Pool): Promise<boolean> => {
  const [row] = await sql<[{ open: boolean }]>`
    SELECT (SELECT id FROM jobs WHERE state = 'queued' AND concurrency_key IS NULL
            ORDER BY queue, project_id, priority, start_at LIMIT 1) IS NOT NULL
        OR (SELECT id FROM jobs WHERE state = 'running' ORDER BY lease_until LIMIT 1) IS NOT NULL AS open`
  return row.open
}

const request = async (
  url: string,
  method: string,
  path: string,
  body: unknown,
  token: string,
): Promise<Record<string, unknown>> => {
  const answer = await fetch(url + path, {
    method,
    headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path} was answered with ${answer.status}: ${text.slice(0, 300)}`)
  return JSON.parse(text)
}
