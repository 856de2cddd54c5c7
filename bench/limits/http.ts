import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { generateLoad } from '../load.ts'
import { BODY } from '../measures/body.ts'

/** Requests per second that a bare server of Node answers, by the load that the bench makes. */
export const measureHttp = async (seconds: number): Promise<number> => {
  const server = fork(fileURLToPath(new URL('./http-process.ts', import.meta.url)))
  try {
    const [port] = (await once(server, 'message')) as [number]
    const where = { port, method: 'POST', path: '/jobs', token: '', body: BODY, connections: 32 }
    const result = await generateLoad({ ...where, warmUpMs: 1_500, durationMs: seconds * 1_000 })
    return result.answered / result.seconds
  } finally {
    server.kill()
  }
}
