import type { EventRow } from '../../db/queries/events.ts'
import type { CloudEvent } from '../events/cloud-event.ts'

/** A job's event as listeners get it, both over the WebSocket and from `GET /live/events`. */
export interface LiveEvent {
  type: string
  jobId: string
  projectId: string
  /** Per job, from 1, without gaps. */
  seq: number
  /** RFC 3339. */
  createdAt: string
  /** The transaction that wrote it. */
  xid: number
  /** Left out of an event that would be too large for a frame. */
  data?: Record<string, unknown>
}

export const ofRow = (row: EventRow): LiveEvent => ({
  type: row.type,
  jobId: row.jobId,
  projectId: row.projectId,
  seq: row.seq,
  createdAt: row.createdAt.toISOString(),
  xid: row.xid,
  data: row.data,
})

export const ofCloudEvent = (event: CloudEvent): LiveEvent => ({
  type: event.type,
  jobId: event.subject,
  projectId: event.projectid,
  seq: event.seq,
  createdAt: event.time,
  xid: Number(event.xid),
  data: event.data,
})
