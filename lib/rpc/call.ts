import { readBinary } from './binary.ts'
import type { Fields, Idl, Struct } from './idl.ts'
import { readJson } from './json.ts'
import { CALL, EXCEPTION, REPLY, type Received, RpcError } from './message.ts'

const OPENING_BRACKET = 0x5b

/** Reads the header of a message in either protocol, told apart by its first byte. @throws {RpcError} */
export const readMessage = (bytes: Buffer): Received =>
  bytes[0] === OPENING_BRACKET ? readJson(bytes) : readBinary(bytes)

/** Reads the arguments of a call. @throws {RpcError} if there is no such method, or it doesn't take these */
export const readArguments = (received: Received, idl: Idl): Struct => {
  const method = Object.hasOwn(idl.methods, received.name) ? idl.methods[received.name] : undefined
  if (!method) throw new RpcError('UNKNOWN_METHOD', `there is no method ${received.name}`)
  if (received.type !== CALL) throw new RpcError('INVALID_MESSAGE_TYPE', 'expected a call')
  return received.read(method.takes, idl)
}

/** The reply with a method's result. */
export const writeResult = (received: Received, idl: Idl, result: unknown): Buffer => {
  const { gives } = methodOf(received, idl)
  return reply(received, idl, { success: [0, gives, 'optional'] }, { success: result })
}

/** The reply with the exception that the method declares. */
export const writeThrown = (received: Received, idl: Idl, thrown: Struct): Buffer => {
  const { throws } = methodOf(received, idl)
  return reply(received, idl, { thrown: [1, throws, 'optional'] }, { thrown })
}

const APPLICATION_EXCEPTION: Fields = { message: [1, 'string', 'required'], type: [2, 'i32', 'required'] }

/** The reply to a call that is itself wrong. */
export const writeRpcError = ({ protocol, name, sequence }: Received, idl: Idl, { message, type }: RpcError): Buffer =>
  protocol.write({ name, type: EXCEPTION, sequence }, { message, type }, APPLICATION_EXCEPTION, idl)

const reply = ({ protocol, name, sequence }: Received, idl: Idl, fields: Fields, value: Struct): Buffer =>
  protocol.write({ name, type: REPLY, sequence }, value, fields, idl)

const methodOf = ({ name }: Received, { methods }: Idl) => {
  const method = methods[name]
  if (!method) throw new Error(`the IDL has no method ${name}`)
  return method
}
