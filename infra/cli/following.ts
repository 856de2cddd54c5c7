import { type Following, type FollowOptions, follow } from '../../lib/client/live.ts'
import type { Session } from './session.ts'

/** Follows what happens to the person's jobs. */
export const followSession = (
  { client }: Session,
  options: Pick<FollowOptions, 'onEvents' | 'onReset' | 'onState'>,
): Following =>
  follow({
    ticket: () => client.call('POST /live/tickets'),
    missed: (after) => client.call('GET /live/events', { query: { after } }),
    ...options,
  })
