import { createHash } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
import * as rateLimits from '../../db/queries/rate-limits.ts'
import type { App } from '../app.ts'
import { StintError } from '../core/errors.ts'

/** Every client refreshes its token every quarter of an hour, and many may share one address. */
const REFRESH_MULTIPLE = 6
/** Nobody needs more mails, and they may fill the mailbox of somebody who asked for none. */
const MAIL_MULTIPLE = 0.2

/**
 * Counts an attempt with a password against the address, and then against the account: one address can't try many accounts,
 * nor many addresses one account. An address that is over its limit doesn't count against an account, or it could lock out
 * any number of people.
 * @throws {StintError} RATE_LIMITED
 */
export const limitPasswordTries = (app: App, ip: string, email: string): Promise<void> =>
  take(app, [`password:address:${addressBlock(ip)}`, `password:account:${accountOf(email)}`], 1)

/** Counts a use of a refresh token. @throws {StintError} RATE_LIMITED */
export const limitRefreshes = (app: App, ip: string): Promise<void> =>
  take(app, [`refresh:address:${addressBlock(ip)}`], REFRESH_MULTIPLE)

/** Counts a mail to an account, whether or not there is one. @throws {StintError} RATE_LIMITED */
export const limitAccountMails = (app: App, ip: string, email: string): Promise<void> =>
  take(app, [`account-mail:address:${addressBlock(ip)}`, `account-mail:account:${accountOf(email)}`], MAIL_MULTIPLE)

/** Counts an attempt with a token from a mail. @throws {StintError} RATE_LIMITED */
export const limitAccountTokens = (app: App, ip: string): Promise<void> =>
  take(app, [`account-token:address:${addressBlock(ip)}`], 1)

/**
 * Counts a search for a person by email, so that it doesn't reveal accounts faster than registering does.
 * @throws {StintError} RATE_LIMITED
 */
export const limitLookups = (app: App, ip: string, userId: string): Promise<void> =>
  take(app, [`lookup:address:${addressBlock(ip)}`, `lookup:person:${userId}`], 1)

const take = async (app: App, [first, second]: [string, string?], multiple: number): Promise<void> => {
  const perMinute = Math.max(1, app.config.auth.rateLimitPerMinute * multiple)
  const bucket = (key: string): rateLimits.Bucket => ({ key, perMinute })
  if (await rateLimits.take(app.sql, bucket(first), second ? bucket(second) : undefined)) return
  // By then even an empty bucket has one token again.
  const retryAfterSeconds = Math.ceil(60 / perMinute)
  throw new StintError('RATE_LIMITED', `Too many tries. Try again in ${retryAfterSeconds} s.`, {
    headers: { 'retry-after': String(retryAfterSeconds) },
  })
}

/** Hashed, so that the table of buckets isn't a list of email addresses. */
const accountOf = (email: string): string => createHash('sha256').update(email.toLowerCase()).digest('base64url')

/**
 * What is counted as one address: an IPv4 address, or an IPv6 /64, which usually belongs to one customer. Exported for tests.
 */
export const addressBlock = (ip: string): string => {
  const embedded = ip.slice(ip.lastIndexOf(':') + 1)
  if (isIPv4(embedded)) return embedded
  if (!isIPv6(ip)) return ip
  const [head = '', tail] = ip.replace(/%.*/, '').split('::')
  const left = head ? head.split(':') : []
  const right = tail ? tail.split(':') : []
  const zeros = Array<string>(8 - left.length - right.length).fill('0')
  const groups = [...left, ...zeros, ...right].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return `${groups.join(':')}::/64`
}
