import type { APIGatewayProxyEventV2 } from 'aws-lambda'
import { expect, test } from 'vitest'
import { refuseLargeEvent } from './payload-limits.ts'

const LIMIT = 6 * 1024 * 1024

/** All of ASCII with its quotes, backslashes and control characters, and letters of two and four bytes. */
const ALL = `${Array.from({ length: 128 }, (_, code) => String.fromCharCode(code)).join('')}é😀`

test('an event may be as large as Lambda takes it, counted as JSON writes it', () => {
  const eventOf = (body: string) =>
    ({ routeKey: 'POST /things', isBase64Encoded: false, body }) as APIGatewayProxyEventV2
  const sizeOf = (body: string) => Buffer.byteLength(JSON.stringify(eventOf(body)))
  const most = ALL.repeat(20_000)
  const fitting = most + 'x'.repeat(LIMIT - sizeOf(most))

  expect(sizeOf(fitting)).toBe(LIMIT)
  expect(() => refuseLargeEvent(eventOf(fitting), Buffer.from(fitting))).not.toThrow()
  expect(() => refuseLargeEvent(eventOf(`${fitting}x`), Buffer.from(`${fitting}x`))).toThrow('more than 6291456 bytes')
})
