import { startClientProcess } from './client-process.ts'
import type { Pace, SentAt } from './pace-process.ts'
import type { Plan } from './rows.ts'

/** A client of its own process that submits at a steady pace, the same for all systems. */
export interface PacedClient {
  /** @returns when each job was sent, by its id, in milliseconds since 1970 @throws when a submission fails */
  submit(jobs: number): Promise<Map<string, number>>
  stop(): void
}

export const startPacedClient = (
  where: Pick<Pace, 'port' | 'token' | 'body'>,
  { perSecond }: Plan['steady'],
): PacedClient => {
  const { ask, stop } = startClientProcess<Pace, SentAt>('pace-process.ts')
  return { submit: async (jobs) => new Map(await ask({ ...where, perSecond, jobs })), stop }
}
