import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { StintError } from '../../lib/core/errors.ts'
import type { Problem } from '../../lib/http/problem.ts'
import { readArguments, readMessage, writeResult, writeRpcError, writeThrown } from '../../lib/rpc/call.ts'
import { type Received, RpcError } from '../../lib/rpc/message.ts'
import type { TraceContext } from '../../lib/tracing/trace-context.ts'
import { idl } from './idl.ts'
import { methods } from './methods.ts'

/**
 * Answers a call, in the protocol that it came in.
 * @throws {StintError} MALFORMED_RPC when it is no call at all, and what the method throws
 */
export const answerCall = async (
  app: App,
  actor: Actor,
  bytes: Buffer,
  trace: TraceContext | undefined,
): Promise<Buffer> => {
  const received = readCall(bytes)
  try {
    const given = readArguments(received, idl)
    return writeResult(
      received,
      idl,
      await methods[received.name as keyof typeof methods]({ app, actor, given, trace }),
    )
  } catch (error) {
    if (error instanceof RpcError) return writeRpcError(received, idl, error)
    throw error
  }
}

/** The same problem as the exception that every method declares; undefined for what is no call of one. */
export const asException = ({ code, status, detail, errors = [], requestId }: Problem, bytes: Buffer) => {
  const received = readCallOrNone(bytes)
  if (!received || !Object.hasOwn(methods, received.name)) return undefined
  return writeThrown(received, idl, { code, status, message: detail, errors, requestId })
}

const readCall = (bytes: Buffer): Received => {
  try {
    return readMessage(bytes)
  } catch (error) {
    if (error instanceof RpcError) throw new StintError('MALFORMED_RPC', error.message, { cause: error })
    throw error
  }
}

const readCallOrNone = (bytes: Buffer): Received | undefined => {
  try {
    return readMessage(bytes)
  } catch {
    return undefined
  }
}
