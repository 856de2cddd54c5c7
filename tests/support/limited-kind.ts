import { z } from 'zod'
import type { App } from '../../lib/app.ts'
import { defineJob, type JobKind, type Limits } from '../../lib/jobs/define.ts'
import { insertJobs } from './engine.ts'

/** A kind with limits, whose jobs crawl a host each and are limited by it where it has `runningPerKey`. */
export const limitedKind = (limits: Limits<{ host: string }>): JobKind =>
  defineJob({
    kind: 'test.limited',
    summary: 'Has limits',
    input: z.object({ host: z.string() }),
    output: z.null(),
    limits,
    async *run() {
      return null
    },
  })

/** Inserts a job of it for each host, as a submission would. @returns their ids */
export const insertLimited = (app: App, hosts: string[]): Promise<string[]> =>
  insertJobs(
    app,
    hosts.map((host) => ({ kind: 'test.limited', input: JSON.stringify({ host }), concurrencyKey: host })),
  )
