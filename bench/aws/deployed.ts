import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const yaml = (path: string) => parse(readFileSync(ROOT + path, 'utf8'), { merge: true })

/** What serverless.yml and infra/deploy declare that costs money. */
export interface Deployed {
  /** The memory of a function, in GB. */
  gbOf(functionName: string): number
  /** Functions that a schedule starts each minute, each with the share of the time that it runs. */
  alwaysOn: { functionName: string; share: number }[]
  /** Lambda asks each of them for messages all day long. */
  polledQueues: number
  /** Metrics that alarms look at, those of AWS included. */
  alarmMetrics: number
  /** Metrics of our own. */
  metrics: number
  database: { cpus: number; gb: number }
  brokers: { count: number; gb: number }
}

interface Alarm {
  Type: string
  Properties: { Namespace?: string; Metrics?: { MetricStat?: object }[] }
}

/** CPUs of the default class, db.t4g.small. */
const DATABASE_CPUS = 2

export const readDeployed = (): Deployed => {
  const { functions } = yaml('serverless.yml') as {
    functions: Record<string, { memorySize: number; timeout: number; events?: { sqs?: object; schedule?: string }[] }>
  }
  const all = Object.entries(functions)
  const events = all.flatMap(([, it]) => it.events ?? [])
  const resources = Object.values(yaml('infra/deploy/alarms.yml').Resources as Record<string, Alarm>)
  const alarms = resources.filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm')
  const { Parameters, Resources } = yaml('infra/deploy/foundation.yml')
  return {
    gbOf: (functionName) => (functions[functionName]?.memorySize ?? Number.NaN) / 1_024,
    alwaysOn: all
      .filter(([, it]) => it.events?.some(({ schedule }) => schedule === 'rate(1 minute)'))
      // It stops 5 s before its time is over (lib/schedule/every.ts).
      .map(([functionName, { timeout }]) => ({ functionName, share: (timeout - 5) / 60 })),
    polledQueues: events.filter(({ sqs }) => sqs).length,
    alarmMetrics: alarms.reduce(
      (sum, { Properties: { Metrics } }) => sum + (Metrics?.filter(({ MetricStat }) => MetricStat).length ?? 1),
      0,
    ),
    metrics: alarms.filter(({ Properties }) => Properties.Namespace?.startsWith('Stint/')).length,
    database: { cpus: DATABASE_CPUS, gb: Parameters.DatabaseGigabytes.Default },
    brokers: {
      count: Resources.Brokers.Properties.NumberOfBrokerNodes,
      gb: Resources.Brokers.Properties.BrokerNodeGroupInfo.StorageInfo.EBSStorageInfo.VolumeSize,
    },
  }
}
