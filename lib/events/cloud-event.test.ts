import { expect, test } from 'vitest'
import { ofCloudEvent } from '../live/live-event.ts'
import { fromMessage, toMessage } from './cloud-event.ts'

const jobId = '01a20610-c462-7693-9270-2c83469d56d3'
const event = {
  ...{ id: 1, jobId, projectId: '01a20610-c261-73fa-ae02-ca29c6614cbc', seq: 2, type: 'job.started' },
  ...{ data: { stint: 1, worker: 'w' }, createdAt: new Date('2026-11-23T01:41:32.830Z') },
  // Of a database that has had more transactions than an integer of 32 bits counts.
  xid: 2 ** 40,
}

test('a message is what CloudEvents 1.0 says of attributes: their names, their types, and those that must be there', () => {
  const { data, ...attributes } = fromMessage(toMessage(event).value)
  expect(data).toEqual(event.data)
  expect(attributes).toMatchObject({
    ...{ specversion: '1.0', id: `${jobId}:2`, source: 'stint', type: 'job.started', subject: jobId },
    ...{ time: '2026-11-23T01:41:32.830Z', datacontenttype: 'application/msgpack' },
  })
  for (const [name, value] of Object.entries(attributes)) {
    expect(name).toMatch(/^[a-z0-9]{1,20}$/)
    if (typeof value === 'number') expect(value).toBe(value | 0)
    else expect(value).toMatch(/^[\x20-\x7e]+$/)
  }
})

test('headers say what it is, and which, to whoever doesn’t read the value', () => {
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  expect(toMessage(event, traceparent)).toMatchObject({
    key: jobId,
    headers: {
      ...{ 'content-type': 'application/cloudevents+msgpack', ce_type: 'job.started', ce_id: `${jobId}:2` },
      traceparent,
    },
  })
})

test('who listens live gets the event that was written', () => {
  expect(ofCloudEvent(fromMessage(toMessage(event).value))).toEqual({
    ...{ type: 'job.started', jobId, projectId: event.projectId, seq: 2, createdAt: '2026-11-23T01:41:32.830Z' },
    ...{ xid: 2 ** 40, data: event.data },
  })
})
