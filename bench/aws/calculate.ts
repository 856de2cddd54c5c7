import type { Deployed } from './deployed.ts'
import type { Counted, Measured } from './measured.ts'
import { PRICES } from './prices.ts'

/** The load on a stage. */
export interface Load {
  jobsPerDay: number
  /** How long a job works. */
  seconds: number
  queue: 'default' | 'compute' | 'bulk'
  /** Jobs that a worker runs at the same time: many if they wait for something else, one if it computes. */
  atOnce: number
  /** Whether jobs come in batches of a thousand or so, or one by one. */
  batches: boolean
}

export interface Line {
  what: string
  usd: number
}

export interface Bill {
  /** Per month, however many jobs there are. */
  fixed: Line[]
  /** Per million jobs. */
  perMillion: Line[]
  perMonth: number
}

const DAYS = 365 / 12
const HOURS = DAYS * 24

/** Between a function and RDS Proxy in the same zone. The measurement's database was on the same machine. */
const ROUND_TRIP_MS = 1
/** The three lines that Lambda itself logs for each call. */
const LOG_BYTES_PER_CALL = 350
/** job.queued, job.started, job.succeeded. */
const EVENTS_PER_JOB = 3
/** Lambda keeps five requests open at each queue, of 20 s each (infra/deploy/queues.yml). */
const POLLS_PER_QUEUE_AND_HOUR = (5 * 3_600) / 20

export const calculate = (load: Load, measured: Measured, deployed: Deployed): Bill => {
  const fixed = fixedCosts(deployed)
  const perMillion = costsOfJobs(load, measured, deployed)
  const millions = (load.jobsPerDay * DAYS) / 1e6
  return { fixed, perMillion, perMonth: sum(fixed) + millions * sum(perMillion) }
}

export const sum = (lines: readonly Line[]): number => lines.reduce((all, { usd }) => all + usd, 0)

const fixedCosts = ({ gbOf, alwaysOn, polledQueues, alarmMetrics, metrics, database, brokers }: Deployed): Line[] => [
  {
    what: `Lambda: ${alwaysOn.map(({ functionName }) => functionName).join(', ')}, running all day`,
    usd: alwaysOn.reduce(
      (all, { functionName, share }) =>
        all + gbSeconds(gbOf(functionName) * share * HOURS * 3_600) + HOURS * 60 * PRICES.lambdaCall.usd,
      0,
    ),
  },
  {
    what: `SQS: Lambda polls ${polledQueues} queues`,
    usd: polledQueues * POLLS_PER_QUEUE_AND_HOUR * HOURS * PRICES.sqsRequest.usd,
  },
  {
    what: `RDS: one db.t4g.small, ${database.gb} GB`,
    usd: HOURS * PRICES.databaseHour.usd + database.gb * PRICES.databaseGbMonth.usd,
  },
  { what: 'RDS Proxy', usd: HOURS * database.cpus * PRICES.proxyCpuHour.usd },
  {
    what: `MSK: ${brokers.count} kafka.t3.small, ${brokers.gb} GB each`,
    usd: brokers.count * (HOURS * PRICES.brokerHour.usd + brokers.gb * PRICES.brokerGbMonth.usd),
  },
  { what: 'NAT gateway', usd: HOURS * (PRICES.natHour.usd + PRICES.addressHour.usd) },
  {
    what: 'CloudWatch and Secrets Manager: metrics, alarms, three secrets',
    usd: metrics * PRICES.metric.usd + alarmMetrics * PRICES.alarmMetric.usd + 3 * PRICES.secretMonth.usd,
  },
]

const costsOfJobs = ({ seconds, queue, atOnce, batches }: Load, measured: Measured, { gbOf }: Deployed): Line[] => {
  const { submit, work } = batches ? measured.batch : measured.one
  const eventCalls = batches ? EVENTS_PER_JOB / 100 : EVENTS_PER_JOB
  const worker = `worker-${queue}`
  // A job that outlives its function's time goes on in another call.
  const workCalls = work.calls + seconds / atOnce / 895
  const calls = submit.calls + workCalls + eventCalls
  const million = (what: string, usd: number): Line => ({ what, usd: usd * 1e6 })
  return [
    million('API Gateway', submit.calls * PRICES.httpRequest.usd),
    million('SQS', (submit.sqsRequests + work.sqsRequests) * PRICES.sqsRequest.usd),
    million('Lambda: accepting jobs', lambda(submit, gbOf('submissions'))),
    million(
      'Lambda: running them',
      workCalls * PRICES.lambdaCall.usd + gbSeconds(gbOf(worker) * (secondsOf(work) + seconds / atOnce)),
    ),
    million(
      'Lambda: pushing their events',
      eventCalls * PRICES.lambdaCall.usd +
        gbSeconds((gbOf('live-push') * EVENTS_PER_JOB * (measured.pushMsPerEvent + ROUND_TRIP_MS)) / 1_000),
    ),
    million('CloudWatch: logs', ((measured.logBytesPerJob + calls * LOG_BYTES_PER_CALL) / 1e9) * PRICES.logGb.usd),
  ]
}

const lambda = (counted: Counted, gb: number): number =>
  counted.calls * PRICES.lambdaCall.usd + gbSeconds(gb * secondsOf(counted))

/** A function's time for a job, with the way to the database. */
const secondsOf = ({ ms, statements }: Counted): number => (ms + statements * ROUND_TRIP_MS) / 1_000

const gbSeconds = (count: number): number => count * PRICES.lambdaGbSecond.usd
