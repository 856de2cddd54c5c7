import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { expect, onTestFinished, test } from 'vitest'
import { demandPort, PortTakenError } from './port.ts'

test('0 is any free port', async () => {
  expect(await demandPort(0)).toBeGreaterThan(0)
})

test('a free port is given as it was asked for', async () => {
  const port = await demandPort(0)
  expect(await demandPort(port)).toBe(port)
})

const hasSix = Object.values(networkInterfaces()).some((them) => them?.some(({ address }) => address === '::1'))

// `localhost` is ::1 first: one would be sent to the other program.
test.for(hasSix ? ['127.0.0.1', '::1'] : ['127.0.0.1'])(
  'a port on which another program listens at %s is refused, and what to do is said',
  async (address) => {
    const server = createServer().listen(0, address)
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await expect(demandPort(port)).rejects.toThrow(PortTakenError)
    await expect(demandPort(port)).rejects.toThrow(/another program listens on it.*PORT=3001 npm start/)
  },
)
