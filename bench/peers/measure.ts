import { setTimeout as sleep } from 'node:timers/promises'
import { measureIdle } from '../idle.ts'
import { generateLoad } from '../load.ts'
import { BODY, SUBMISSION } from '../measures/body.ts'
import { quantile } from '../measures/quantile.ts'
import { startPacedClient } from '../pace.ts'
import type { Plan, Row } from '../rows.ts'
import { watchUsage } from '../usage.ts'
import { type Peer, startPeer } from './peer.ts'

/** One repetition of all rows on a peer, on a fresh store. */
export const measurePeer = async (name: string, plan: Plan): Promise<Row> => {
  const began = performance.now()
  const peer = await startPeer(name)
  const row: Row = {}
  try {
    const go = await peer.loadWorkers({ drain: false })
    await go()
    await submitOne(peer)
    await untilNoneLeft(peer)
    row.startSeconds = (performance.now() - began) / 1_000
    row.idle = await measureIdle(peer.run, plan.idleMs)
    row.latency = await measureLatency(peer, plan)
    row.consuming = await measureSingle(peer, plan)
    await untilNoneLeft(peer)
    await peer.stopWorkers()
    row.single = await measureSingle(peer, plan)
    row.bulk = await measureBulk(peer, name === 'celery' ? plan.bulkJobs / 10 : plan.bulkJobs)
    row.drain = await measureDrain(peer)
    return row
  } finally {
    await peer.stop()
  }
}

const submitOne = async ({ port }: Peer): Promise<string> => {
  const headers = { 'content-type': 'application/json' }
  const answer = await fetch(`http://127.0.0.1:${port}/jobs`, { method: 'POST', headers, body: BODY })
  return ((await answer.json()) as { job: { id: string } }).job.id
}

const measureSingle = async (peer: Peer, { load }: Plan) => {
  const usage = watchUsage(peer.run)
  const result = await generateLoad({ port: peer.port, token: '', body: BODY, ...load })
  const spent = usage.stop()
  return { perSecond: result.answered / result.seconds, p99Ms: result.p99Ms, ...costOf(spent, result.sent) }
}

const measureLatency = async (peer: Peer, { steady }: Plan) => {
  const client = startPacedClient({ port: peer.port, token: '', body: BODY }, steady)
  try {
    await client.submit(steady.warmUp)
    await untilNoneLeft(peer)
    const usage = watchUsage(peer.run, 'at the end')
    const sentAt = await client.submit(steady.jobs)
    await untilNoneLeft(peer)
    const spent = usage.stop()
    const endedAt = await peer.endedAt([...sentAt.keys()])
    const times = [...sentAt].map(([id, at]) => (endedAt.get(id) ?? Number.NaN) - at)
    return { p50Ms: quantile(times, 0.5), p99Ms: quantile(times, 0.99), ...costOf(spent, steady.jobs) }
  } finally {
    client.stop()
  }
}

const measureBulk = async (peer: Peer, jobs: number) => {
  const usage = watchUsage(peer.run)
  const began = performance.now()
  await peer.addMany(jobs, SUBMISSION.input)
  const seconds = (performance.now() - began) / 1_000
  return { perSecond: jobs / seconds, ...costOf(usage.stop(), jobs) }
}

const measureDrain = async (peer: Peer) => {
  const jobs = await peer.left()
  const go = await peer.loadWorkers({ drain: true })
  const usage = watchUsage(peer.run)
  const began = performance.now()
  await go()
  await untilNoneLeft(peer)
  const seconds = (performance.now() - began) / 1_000
  return { perSecond: jobs / seconds, ...costOf(usage.stop(), jobs) }
}

const untilNoneLeft = async (peer: Peer): Promise<void> => {
  while ((await peer.left()) > 0) await sleep(50)
}

const costOf = (spent: ReturnType<ReturnType<typeof watchUsage>['stop']>, jobs: number) => ({
  jobs,
  cpuSecondsPer1000: (spent.cpuSeconds.values().reduce((sum, it) => sum + it, 0) / jobs) * 1_000,
  peakMemoryMb: spent.peakMemoryMb,
})
