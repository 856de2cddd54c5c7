import { freePort, refusalAt } from '../components/free-port.ts'

export class PortTakenError extends Error {
  override readonly name = 'PortTakenError'
}

/** Where programs look first for `localhost`. */
const SIX = '::1'

/**
 * The port to listen on: `wanted`, or any free one for 0.
 * @throws {PortTakenError}, so that a port that can't be used is known before anything is started
 */
export const demandPort = async (wanted: number): Promise<number> => {
  if (wanted === 0) return freePort()
  const [cause, cause6] = await Promise.all([refusalAt(wanted), refusalAt(wanted, SIX)])
  // The stack doesn't listen on the other address, which many machines don't have, but no other program may either.
  const isTaken = [cause, cause6].some((refusal) => refusal?.code === 'EADDRINUSE')
  if (!cause && !isTaken) return wanted
  const why = isTaken ? 'another program listens on it' : (cause?.code ?? cause?.message)
  const say = `Port ${wanted} cannot be used: ${why}. Choose another: PORT=3001 npm start, or PORT=0 for any free one.`
  throw new PortTakenError(say, { cause: cause ?? cause6 })
}
