import { Packr } from 'msgpackr'
import type { EventRow } from '../../db/queries/events.ts'
import { memoizeByOwner } from '../core/by-owner.ts'
import type { Message } from './publisher.ts'

const packr = new Packr({ useRecords: false })

/** The events of one statement share their date. Writing it out costs more than packing what one of them says. */
const timeOf = memoizeByOwner((createdAt: Date) => createdAt.toISOString())

/** The CloudEvents 1.0 attributes of a job's event, with `data`. `seq`, `projectid` and `xid` are extension attributes. */
export interface CloudEvent {
  specversion: '1.0'
  /** `<job id>:<seq>`: identifies duplicates. */
  id: string
  source: 'stint'
  type: string
  /** The job. */
  subject: string
  /** RFC 3339. */
  time: string
  datacontenttype: 'application/msgpack'
  seq: number
  projectid: string
  /** The transaction that wrote it: a text, since CloudEvents' integers have 32 bits, and PostgreSQL's transactions 64. */
  xid: string
  data: Record<string, unknown>
}

/**
 * A job's event as a Kafka message: keyed by job, so that a job's events keep their order.
 * Source: CloudEvents 1.0, Kafka protocol binding, structured mode with MessagePack instead of JSON.
 * @param traceparent the W3C trace context that goes with it
 */
export const toMessage = (event: EventRow, traceparent?: string): Message => {
  const cloudEvent: CloudEvent = {
    specversion: '1.0',
    id: `${event.jobId}:${event.seq}`,
    source: 'stint',
    type: event.type,
    subject: event.jobId,
    time: timeOf(event.createdAt),
    datacontenttype: 'application/msgpack',
    seq: event.seq,
    projectid: event.projectId,
    xid: String(event.xid),
    data: event.data,
  }
  return {
    key: event.jobId,
    value: packr.pack(cloudEvent),
    headers: {
      ...{ ce_type: event.type, ce_id: cloudEvent.id, 'content-type': 'application/cloudevents+msgpack' },
      ...(traceparent && { traceparent }),
    },
  }
}

/** Reads a message's value. @throws if it isn't MessagePack */
export const fromMessage = (value: Buffer): CloudEvent => packr.unpack(value)
