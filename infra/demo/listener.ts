import { createLog } from '../../lib/core/log.ts'
import { type CloudEvent, fromMessage } from '../../lib/events/cloud-event.ts'
import { startKafkaConsumer } from '../../lib/events/kafka.ts'

export const TOPIC = 'stint.jobs.v1'

/** A consumer of jobs' events, as another program would have it, and what it has received. */
export interface Listener {
  /** The numbers of a job's events in the order in which they came, without those that came twice. */
  seqsOf(jobId: string): readonly number[]
  count(): { events: number; progressed: number; twice: number }
  stop(): Promise<void>
}

export const listen = async (address: string, onEvent: (event: CloudEvent) => void): Promise<Listener> => {
  const seqs = new Map<string, number[]>()
  const counts = { events: 0, progressed: 0, twice: 0 }

  const receive = (event: CloudEvent): void => {
    const known = seqs.get(event.subject) ?? []
    seqs.set(event.subject, known)
    // Events are published at least once. One that was seen is dropped, by job and number.
    if (known.includes(event.seq)) {
      counts.twice++
      return
    }
    known.push(event.seq)
    counts.events++
    if (event.type === 'job.progressed') counts.progressed++
    onEvent(event)
  }

  const consumer = await startKafkaConsumer({
    brokers: [address],
    groupId: 'demo',
    topic: TOPIC,
    log: createLog('silent', 'demo'),
    onMessage: (value) => receive(fromMessage(value)),
  })
  return { seqsOf: (jobId) => seqs.get(jobId) ?? [], count: () => ({ ...counts }), stop: consumer.stop }
}
