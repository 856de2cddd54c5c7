/** What the supervisor and the host process say to each other, beside starting and stopping. */

export interface HostOptions {
  /** Absolute. */
  dataDir: string
  port: number
  functionTimeoutSeconds: number | undefined
  concurrency: number | undefined
  chaosSeed: number | undefined
}

export interface HostReady {
  port: number
  routes: number
  queues: string[]
  schedules: number
}

/** Kafka runs at this address, with an empty log. `kafkaStart` counts its starts. */
export interface ToHost {
  type: 'kafka'
  address: string
  kafkaStart: number
}

export type FromHost =
  | { type: 'worker-started'; name: string; pid: number }
  | { type: 'worker-ended'; name: string }
  /** Something that a person at the terminal should know. */
  | { type: 'notice'; text: string }
  /** The events of before this start of Kafka are on their way to it again. */
  | { type: 'republished'; kafkaStart: number }
