import { createServer } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { healthOf } from './health-of.ts'

/** A server that gives one answer after the other, and the last one for ever. */
const answering = async (...bodies: string[]): Promise<string> => {
  let asked = 0
  const server = createServer((_, response) => response.end(bodies[Math.min(asked++, bodies.length - 1)]))
  onTestFinished(() => void server.close())
  const port = await new Promise<number>((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
  )
  return `http://127.0.0.1:${port}`
}

const health = (status: string) => JSON.stringify({ status, components: [{ name: 'postgres', status }] })
const problem = JSON.stringify({ type: 'about:blank', status: 504, code: 'GATEWAY_TIMEOUT' })

test('what is said to be down, has no answer or a problem for one is asked again', async () => {
  const url = await answering(problem, 'nonsense', health('down'), health('ok'))
  expect(await healthOf(url, { patienceMs: 60_000, pauseMs: 1 })).toBe('ok: postgres ok')
})

test.for([
  [health('down'), 'down: postgres down'],
  [problem, 'no answer yet'],
])('when patience is over, it is as it is', async ([body, line]) => {
  expect(await healthOf(await answering(body as string), { patienceMs: 0 })).toBe(line)
})
