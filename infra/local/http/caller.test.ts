import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { callerOf, createIsProxy } from './caller.ts'

const caller = (trusted: string[], remoteAddress: string, forwarded?: string): string =>
  callerOf(
    {
      socket: { remoteAddress },
      headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded },
    } as unknown as IncomingMessage,
    createIsProxy(trusted),
  )

test.for<[trusted: string[], remote: string, forwarded: string | undefined, caller: string]>([
  // A stranger says what it likes.
  [[], '203.0.113.5', '198.51.100.1', '203.0.113.5'],
  [['10.0.0.0/8'], '203.0.113.5', '198.51.100.1', '203.0.113.5'],
  // A proxy says who called it, and not what that one says.
  [['10.0.0.1'], '10.0.0.1', '198.51.100.1', '198.51.100.1'],
  [['10.0.0.1'], '10.0.0.1', '192.0.2.1, 198.51.100.1', '198.51.100.1'],
  [['10.0.0.0/8'], '10.0.0.1', '192.0.2.1,198.51.100.1 , 10.9.9.9', '198.51.100.1'],
  [['127.0.0.1'], '::ffff:127.0.0.1', '::ffff:198.51.100.1', '198.51.100.1'],
  [['fd00::/8', '::1'], '::1', '2001:db8::7, fd00::2', '2001:db8::7'],
  // Of a proxy that says nothing, or nothing that is an address, the caller is itself.
  [['10.0.0.1'], '10.0.0.1', undefined, '10.0.0.1'],
  [['10.0.0.1'], '10.0.0.1', 'unknown', '10.0.0.1'],
  [['10.0.0.1'], '10.0.0.1', '198.51.100.1, ', '10.0.0.1'],
  [['10.0.0.0/8'], '10.0.0.1', '10.0.0.7', '10.0.0.7'],
])('trusting %j, the caller from %s for %s is %s', ([trusted, remote, forwarded, expected]) => {
  expect(caller(trusted, remote, forwarded)).toBe(expected)
})
