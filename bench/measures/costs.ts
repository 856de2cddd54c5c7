import type { Counters } from '../counters.ts'

/** What a measure cost the whole stack, per job. */
export interface Costs {
  jobs: number
  sqsRequestsPerJob: number
  transactionsPerJob: number
  walBytesPerJob: number
  cpuSecondsPer1000: number
  /** By process: host, worker, postgres, … */
  cpuSecondsPer1000Of: Record<string, number>
  peakMemoryMb: number
  /** Of the machine's CPU time, taken by processes that have nothing to do with this. */
  othersCpuShare: number
}

export const costsOf = (
  jobs: number,
  before: Counters,
  after: Counters,
  usage: { cpuSeconds: Map<string, number>; peakMemoryMb: number; othersCpuShare: number },
): Costs => {
  const perJob = (name: keyof Counters) => (after[name] - before[name]) / jobs
  const per1000 = [...usage.cpuSeconds].map(([name, seconds]) => [name, (seconds / jobs) * 1_000] as const)
  return {
    jobs,
    sqsRequestsPerJob: perJob('sqsRequests'),
    transactionsPerJob: perJob('transactions'),
    walBytesPerJob: perJob('walBytes'),
    cpuSecondsPer1000: per1000.reduce((sum, [, seconds]) => sum + seconds, 0),
    cpuSecondsPer1000Of: Object.fromEntries(per1000),
    peakMemoryMb: usage.peakMemoryMb,
    othersCpuShare: usage.othersCpuShare,
  }
}
