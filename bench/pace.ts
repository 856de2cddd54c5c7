import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
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
  const child = fork(fileURLToPath(new URL('./pace-process.ts', import.meta.url)), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const exited = once(child, 'exit').then(([code]) => Promise.reject(new Error(`the paced client ended with ${code}`)))
  exited.catch(() => {
    // Whoever waits for an answer is told.
  })
  return {
    submit: async (jobs) => {
      child.send({ ...where, perSecond, jobs } satisfies Pace)
      const [sentAt] = await Promise.race([once(child, 'message'), exited])
      return new Map(sentAt as SentAt)
    },
    stop: () => {
      if (child.connected) child.disconnect()
    },
  }
}
