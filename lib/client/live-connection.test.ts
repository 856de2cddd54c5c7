import { expect, test } from 'vitest'
import { createLiveConnection } from './live-connection.ts'

const TIMES = { silenceMs: 60_000, patienceMs: 60_000, minBackoffMs: 1, maxBackoffMs: 1 }

/** A connection whose tickets are refused, and what it asked for and told. As `follow` does, it closes when all is over. */
const refused = (error: object) => {
  const told: string[] = []
  const connection = createLiveConnection({
    ticket: async () => {
      told.push('asked')
      throw error
    },
    times: TIMES,
    onEvents: () => {},
    onOpen: () => told.push('open'),
    onBreak: () => told.push('broken'),
    onFailed: () => told.push('failed'),
    onOver: () => {
      told.push('over')
      connection.close()
    },
  })
  return { connection, told }
}

test('who has no right to a WebSocket asks for one once', async () => {
  const { connection, told } = refused({ status: 403, code: 'FORBIDDEN' })
  connection.open()
  await expect.poll(() => told).toEqual(['asked', 'failed'])
  connection.open()
  expect(connection).toMatchObject({ isOpen: false, isOpening: false })
  expect(told).toEqual(['asked', 'failed'])
})

test('whose session is over learns so, and asks for no other', async () => {
  const { connection, told } = refused({ status: 401 })
  connection.open()
  await expect.poll(() => told).toEqual(['asked', 'over'])
  connection.open()
  expect(told).toEqual(['asked', 'over'])
})

test('any other failure is no reason to give up, nor is the word of a proxy', async () => {
  for (const error of [{ status: 503 }, { status: 403 }, new Error('fetch failed')]) {
    const { connection, told } = refused(error)
    connection.open()
    await expect.poll(() => told.length).toBeGreaterThanOrEqual(6)
    connection.close()
    expect(told.slice(0, 6)).toEqual(['asked', 'failed', 'asked', 'failed', 'asked', 'failed'])
  }
})
