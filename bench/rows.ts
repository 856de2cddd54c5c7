/** How much of everything one run measures. */
export interface Plan {
  load: { method: string; path: string; connections: number; warmUpMs: number; durationMs: number }
  steady: { perSecond: number; warmUp: number; jobs: number }
  bulkJobs: number
  idleMs: number
  live: { jobs: number; steps: number }
}

/** What a measure cost all processes of a system. */
interface Cost {
  jobs: number
  cpuSecondsPer1000: number
  peakMemoryMb: number
}

/** What one repetition found on one system. */
export interface Row {
  /** From nothing to the end of the first job. */
  startSeconds?: number
  /** With workers that wait. */
  idle?: { memoryMb: number; cpuSecondsPerMinute: number; queriesPerMinute?: number }
  latency?: { p50Ms: number; p99Ms: number } & Cost
  consuming?: { perSecond: number; p99Ms: number } & Cost
  single?: { perSecond: number; p99Ms: number } & Cost
  bulk?: { perSecond: number } & Cost
  drain?: { perSecond: number } & Cost
}

export const planOf = (quick: boolean): Plan => ({
  load: {
    method: 'POST',
    path: '/jobs',
    connections: 32,
    ...(quick ? { warmUpMs: 1_000, durationMs: 3_000 } : { warmUpMs: 2_000, durationMs: 6_000 }),
  },
  steady: quick ? { perSecond: 50, warmUp: 100, jobs: 250 } : { perSecond: 50, warmUp: 150, jobs: 600 },
  bulkJobs: quick ? 20_000 : 100_000,
  idleMs: quick ? 3_000 : 8_000,
  live: quick ? { jobs: 10, steps: 12 } : { jobs: 20, steps: 60 },
})
