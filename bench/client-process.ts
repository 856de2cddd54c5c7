import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A process of the bench's own that plays clients, and answers each message with one. */
export interface ClientProcess<Asked, Answer> {
  /** @throws when the process ends before it answers */
  ask(message: Asked): Promise<Answer>
  stop(): void
}

/** @param file what it runs, in this folder */
export const startClientProcess = <Asked extends object, Answer>(file: string): ClientProcess<Asked, Answer> => {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  })
  const exited = once(child, 'exit').then(([code]) => Promise.reject(new Error(`${file} ended with ${code}`)))
  exited.catch(() => {
    // `ask` rejects with it.
  })
  return {
    ask: async (message) => {
      child.send(message)
      const [answer] = await Promise.race([once(child, 'message'), exited])
      return answer as Answer
    },
    stop: () => {
      if (child.connected) child.disconnect()
    },
  }
}
