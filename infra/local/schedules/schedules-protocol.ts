import type { KafkaStarted } from '../host/host-protocol.ts'

/** What the host and the process of the schedules say to each other, over the IPC channel that fork opens. */

export type ToSchedules =
  /** There may be something to do now. */
  { type: 'nudge'; functionName: string } | KafkaStarted | { type: 'stop' }

export type FromSchedules =
  /** The functions are loaded. */
  | { type: 'ready' }
  /** The events of before this start of Kafka are on their way to it again. */
  | { type: 'republished'; kafkaStart: number }
