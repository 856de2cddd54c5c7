import { randomBytes } from 'node:crypto'
import * as events from '../../db/queries/events.ts'
import * as liveConnections from '../../db/queries/live-connections.ts'
import * as liveTickets from '../../db/queries/live-tickets.ts'
import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { invalidToken } from '../../lib/auth/bearer.ts'
import { hashSecret } from '../../lib/auth/secret-hash.ts'
import { sessionOf } from '../../lib/auth/tokens.ts'
import { invalidField, StintError } from '../../lib/core/errors.ts'
import { fitting, jsonBytes } from '../../lib/http/schemas.ts'
import { type LiveEvent, ofRow } from '../../lib/live/live-event.ts'
import { type Position, readPosition, writePosition } from '../../lib/live/position.ts'

export const TICKET_SECONDS = 30
/** API Gateway ends a WebSocket after two hours; a client that reconnects before can choose the moment. */
const CONNECTION_SECONDS = 7_200
/** How long a position is valid. */
export const CATCH_UP_SECONDS = 3_600

const TOO_MANY = `A person may have ${liveConnections.MAX_OF_PERSON} live connections.`

/** Events of one answer. */
const PAGE = 1_000

/**
 * A ticket for one live connection, which ends with the session of the access token, or if that has none, when the token
 * expires.
 * @throws {StintError} UNAUTHENTICATED when the session was ended while its access token lives, LIMIT_REACHED
 */
export const giveTicket = async (app: App, actor: Actor, accessToken: string): Promise<string> => {
  if (!(await liveConnections.isThereRoom(app.sql, actor.userId))) throw new StintError('LIMIT_REACHED', TOO_MANY)
  const { sessionId, expiresAt } = sessionOf(accessToken)
  const ticket = randomBytes(32).toString('base64url')
  const given = await liveTickets.insert(app.sql, {
    tokenHash: hashSecret(ticket),
    userId: actor.userId,
    sessionId,
    validSeconds: TICKET_SECONDS,
    connectionSeconds: CONNECTION_SECONDS,
    endsAt: sessionId === null ? expiresAt : null,
  })
  if (!given) throw invalidToken('The session of this access token was ended.')
  return ticket
}

/**
 * Spends a ticket.
 * @throws {StintError} UNAUTHENTICATED when it is unknown, was spent, or came too late, LIMIT_REACHED
 */
export const connect = async (app: App, connectionId: string, ticket: string): Promise<void> => {
  const opened = await liveConnections.insertByTicket(app.sql, connectionId, hashSecret(ticket))
  if (opened === 'full') throw new StintError('LIMIT_REACHED', TOO_MANY)
  if (opened === 'unknown')
    throw new StintError('UNAUTHENTICATED', 'The ticket is unknown, was spent, or is older than 30 s.')
}

export interface CaughtUp {
  events: LiveEvent[]
  /** The `after` of the next request. */
  after: string
  hasMore: boolean
  reset: boolean
}

/**
 * The projects' events that committed since `after`, and the reader's new position: each event once, none left out, in
 * whatever order transactions commit. Without `after`, no events and the present position. If `after` is too old, the
 * reader is told to read everything anew (`reset`).
 * @throws {StintError} VALIDATION_FAILED when `after` isn't from an earlier answer, RATE_LIMITED
 */
export const catchUp = async (
  app: App,
  actor: Actor,
  projectIds: string[],
  after: string | undefined,
): Promise<CaughtUp> => {
  const now = await events.readSnapshot(app.sql)
  const here: Position = { atSeconds: now.atSeconds, seen: now }
  if (after === undefined) return { events: [], after: writePosition(here), hasMore: false, reset: false }
  const position = readPosition(after)
  if (!position) throw invalidField('after', 'expected the after of an earlier answer')
  if (isOutOfReach(position, here)) return { events: [], after: writePosition(here), hasMore: false, reset: true }

  const { until, behindId } = position.page ?? { until: now, behindId: 0 }
  const atSeconds = position.page ? position.atSeconds : now.atSeconds
  const missed = { since: position.seen, until, behindId, projectIds }
  // Of a position that somebody made up, it may be all events that there are.
  const rows = await app.scan(actor.userId, (sql) => events.listMissed(sql, missed, PAGE + 1))
  const shown = rows.slice(
    0,
    fitting(rows, PAGE, ({ data }) => jsonBytes(data) + 300),
  )
  const last = shown.at(-1)
  const hasMore = shown.length < rows.length && last !== undefined
  const next = hasMore
    ? { atSeconds, seen: position.seen, page: { until, behindId: last.id } }
    : { atSeconds, seen: until }
  return { events: shown.map(ofRow), after: writePosition(next), hasMore, reset: false }
}

/** Too old, or from another database: its transactions haven't happened here yet. */
const isOutOfReach = ({ atSeconds, seen, page }: Position, now: Position): boolean =>
  now.atSeconds - atSeconds > CATCH_UP_SECONDS || seen.xmax > now.seen.xmax || (page?.until.xmax ?? 0) > now.seen.xmax
