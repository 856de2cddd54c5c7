import type { HostProcess, ProcessAction } from '../../../lib/system/host-control.ts'

/** What the supervisor and the host process say to each other, beside starting and stopping. */

export interface HostOptions {
  /** The functions' configuration, beside what the host's own environment says. */
  env: Record<string, string>
  /** Absolute. */
  dataDir: string
  port: number
  trustedProxies: string[]
  functionTimeoutSeconds: number | undefined
  concurrency: number | undefined
  chaosSeed: number | undefined
  /** A Kafka that lacks the events from before its start. */
  newKafka: KafkaStarted | undefined
}

export interface HostReady {
  port: number
  routes: number
  queues: string[]
  schedules: number
}

/** Kafka runs at this address, with an empty log. `kafkaStart` counts its starts. */
export interface KafkaStarted {
  type: 'kafka'
  address: string
  kafkaStart: number
}

/** The answer to `list-parts`. */
interface Parts {
  type: 'parts'
  id: string
  parts: PartState[]
}

export type ToHost = KafkaStarted | Parts

/** A part of the stack as the supervisor knows it. */
export interface PartState extends Omit<HostProcess, 'startedAt'> {
  startedAtMs: number | null
}

export type FromHost =
  | { type: 'worker-started'; name: string; pid: number }
  | { type: 'worker-ended'; name: string }
  | { type: 'list-parts'; id: string }
  /** What an admin wants to be done with a part. */
  | { type: 'act'; name: string; action: ProcessAction }
  /** Something that a person at the terminal should know. */
  | { type: 'notice'; text: string }
  /** The events of before this start of Kafka are on their way to it again. */
  | { type: 'republished'; kafkaStart: number }
