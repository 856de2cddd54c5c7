import type { ChildProcess } from 'node:child_process'
import { type Exit, exitOf, howEnded } from '../components/component.ts'
import type { Environment } from '../host/host-app.ts'
import type { KafkaStarted } from '../host/host-protocol.ts'
import type { RoutingTable } from '../host/routing-table.ts'
import { createBackoff } from '../shared/backoff.ts'
import { forkLogged } from '../shared/fork-logged.ts'
import { gatherNudges } from './gathered-nudges.ts'
import type { FromSchedules, ToSchedules } from './schedules-protocol.ts'

/** The name of the process, and of its log. */
export const SCHEDULES = 'schedules'

export interface SchedulesOptions {
  env: Environment
  /** The functions that it runs. Reading them from serverless.yml again would take a tenth of a second of CPU time. */
  table: Pick<RoutingTable, 'schedules' | 'streams'>
  /**
   * The name of the process in leases. If there is only one such process, the same at each start, so that it need not wait until
   * the leases of the sweep and the relay have expired. Undefined: a new name at each start.
   */
  instance?: string
  /** The Kafka at its start, if that lacks the earlier events. */
  newKafka?: KafkaStarted | undefined
  /** Whether Kafka is the embedded one, to which only this process publishes. */
  embeddedKafka?: boolean
  /** For what the process prints, which is its log. */
  openLog: (name: string) => number
  onStarted: (pid: number) => void
  onEnded: () => void
  /** What a person at the terminal should know. */
  onNotice: (text: string) => void
  onRepublished: (kafkaStart: number) => void
}

/** The process of the scheduled functions, seen from the host. One that dies is started again. */
export interface Schedules {
  /** There may be something to do for a function now. */
  nudge(functionName: string): void
  /** Kafka has started with an empty log. */
  tellKafka(message: KafkaStarted): void
  /** Lets the passes that are under way end; kills the process after `graceMs`. */
  stop(graceMs: number): Promise<void>
}

export const startSchedules = (options: SchedulesOptions): Schedules => {
  const stopping = new AbortController()
  const backoff = createBackoff({ minMs: 200, maxMs: 5_000 })
  let kafka = options.newKafka
  let republishedFor = 0
  let child: ChildProcess
  let exited: Promise<Exit>
  let died: { cause: string; at: number } | undefined

  const tell = (message: ToSchedules): void => {
    if (child.connected) child.send(message, () => {})
  }

  /** The Kafka that lacks the earlier events, if there is one. */
  const newKafka = (): KafkaStarted | undefined => (kafka?.kafkaStart === republishedFor ? undefined : kafka)

  const start = (): void => {
    const env = { ...options.env, ...(kafka && { KAFKA_BROKERS: kafka.address }) }
    const { schedules, streams } = options.table
    const table = JSON.stringify({ schedules, streams } satisfies SchedulesOptions['table'])
    const kind = options.embeddedKafka ? 'embedded' : ''
    const args = [table, options.instance ?? '', String(newKafka()?.kafkaStart ?? ''), kind]
    child = forkLogged(new URL('./schedules-process.ts', import.meta.url), args, env, options.openLog(SCHEDULES))
    if (child.pid) options.onStarted(child.pid)
    child.on('message', hear)
    exited = exitOf(child)
    void exited.then((exit) => startAgain(howEnded(exit)))
  }

  const hear = (message: FromSchedules): void => {
    if (message.type === 'ready') {
      backoff.reset()
      if (died)
        options.onNotice(`${died.cause}, started again in ${((performance.now() - died.at) / 1_000).toFixed(1)} s`)
      died = undefined
      // The process can't have heard it while it was loading.
      const untold = newKafka()
      if (untold) tell(untold)
    }
    if (message.type === 'republished') {
      republishedFor = message.kafkaStart
      options.onRepublished(message.kafkaStart)
    }
  }

  const startAgain = async (death: string): Promise<void> => {
    options.onEnded()
    died ??= { cause: `${SCHEDULES} died (${death})`, at: performance.now() }
    await backoff.pause(stopping.signal)
    if (!stopping.signal.aborted) start()
  }

  start()
  return {
    nudge: gatherNudges((functionName) => tell({ type: 'nudge', functionName })),
    tellKafka: (message) => {
      kafka = message
      tell(message)
    },
    stop: async (graceMs) => {
      stopping.abort()
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
      tell({ type: 'stop' })
      await exited
      clearTimeout(timer)
    },
  }
}
