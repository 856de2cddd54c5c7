import { createServer } from 'node:net'
import { freePort } from './components/free-port.ts'

export class PortTakenError extends Error {
  override readonly name = 'PortTakenError'
}

/** Programs reach `localhost` at either of them, and at ::1 first. */
const [ADDRESS, SIX] = ['127.0.0.1', '::1']

/**
 * The port to listen on: `wanted`, or any free one for 0.
 * @throws {PortTakenError} before anything else is started, so that nobody waits for a stack that can't be reached
 */
export const demandPort = async (wanted: number): Promise<number> => {
  if (wanted === 0) return freePort()
  const [cause, cause6] = await Promise.all([refusalAt(ADDRESS, wanted), refusalAt(SIX, wanted)])
  // Nothing is to listen at the other address, which many machines don't have: but nobody else may either.
  const isTaken = [cause, cause6].some((refusal) => refusal?.code === 'EADDRINUSE')
  if (!cause && !isTaken) return wanted
  const why = isTaken ? 'another program listens on it' : (cause?.code ?? cause?.message)
  const say = `Port ${wanted} cannot be used: ${why}. Choose another: PORT=3001 npm start, or PORT=0 for any free one.`
  throw new PortTakenError(say, { cause: cause ?? cause6 })
}

/** Why nobody could listen there just now. */
const refusalAt = (address: string, port: number): Promise<NodeJS.ErrnoException | undefined> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', resolve)
    server.listen(port, address, () => server.close(() => resolve(undefined)))
  })
