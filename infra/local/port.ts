import { freePort, refusalAt } from './components/free-port.ts'

export class PortTakenError extends Error {
  override readonly name = 'PortTakenError'
}

/** Programs that look for `localhost` look there first. */
const SIX = '::1'

/**
 * The port to listen on: `wanted`, or any free one for 0.
 * @throws {PortTakenError} before anything else is started, so that nobody waits for a stack that can't be reached
 */
export const demandPort = async (wanted: number): Promise<number> => {
  if (wanted === 0) return freePort()
  const [cause, cause6] = await Promise.all([refusalAt(wanted), refusalAt(wanted, SIX)])
  // Nothing is to listen at the other address, which many machines don't have: but nobody else may either.
  const isTaken = [cause, cause6].some((refusal) => refusal?.code === 'EADDRINUSE')
  if (!cause && !isTaken) return wanted
  const why = isTaken ? 'another program listens on it' : (cause?.code ?? cause?.message)
  const say = `Port ${wanted} cannot be used: ${why}. Choose another: PORT=3001 npm start, or PORT=0 for any free one.`
  throw new PortTakenError(say, { cause: cause ?? cause6 })
}
