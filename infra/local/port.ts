import { createServer } from 'node:net'
import { freePort } from './components/free-port.ts'

export class PortTakenError extends Error {
  override readonly name = 'PortTakenError'
}

/**
 * The port to listen on: `wanted`, or any free one for 0.
 * @throws {PortTakenError} before anything else is started, so that nobody waits for a stack that can't be reached
 */
export const demandPort = (wanted: number): Promise<number> =>
  wanted === 0
    ? freePort()
    : new Promise((resolve, reject) => {
        const server = createServer()
        server.once('error', (cause: NodeJS.ErrnoException) => {
          const why = cause.code === 'EADDRINUSE' ? 'another program listens on it' : (cause.code ?? cause.message)
          const say = `Port ${wanted} cannot be used: ${why}. Choose another: PORT=3001 npm start, or PORT=0 for any free one.`
          reject(new PortTakenError(say, { cause }))
        })
        server.listen(wanted, '127.0.0.1', () => server.close(() => resolve(wanted)))
      })
