import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { vi } from 'vitest'

// What the containers of docker-compose.yml run, as processes without containers.

const fileOf = (name: string): string => fileURLToPath(new URL(`../../infra/docker/${name}`, import.meta.url))

/** The process of a container, and what it printed so far. */
export interface Container {
  child: ChildProcess
  printed(): string
}

/** Makes the tables, the queues and the bucket that are missing. */
export const prepare = async (env: Record<string, string>): Promise<void> => {
  await promisify(execFile)(process.execPath, [fileOf('prepare.ts')], { env })
}

export const serve = (role: string, env: Record<string, string>): Container => {
  const child = spawn(process.execPath, [fileOf('serve.ts'), role], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (printed += text))
  return { child, printed: () => printed }
}

/** What one says in its log, once it has said it. @throws with all that it printed, if it ends before or takes too long */
const said = async ({ printed, child }: Container, pattern: RegExp): Promise<string> => {
  const ended = () => child.exitCode !== null || child.signalCode !== null
  await vi.waitUntil(() => ended() || pattern.test(printed()), { timeout: 60_000 }).catch(() => {})
  const found = pattern.exec(printed())
  if (!found) throw new Error(`it did not say ${pattern}:\n${printed()}`)
  return found[1] ?? ''
}

/** The API and a worker, on components that run. @returns where the API answers */
export const serveBoth = async (
  env: Record<string, string>,
): Promise<{ url: string; api: Container; worker: Container }> => {
  const api = serve('api', env)
  const worker = serve('worker', env)
  try {
    const url = `http://localhost:${await said(api, /"port":(\d+)/)}`
    await said(worker, /"msg":"the queues are polled"/)
    return { url, api, worker }
  } catch (error) {
    for (const { child } of [api, worker]) child.kill('SIGKILL')
    throw error
  }
}

/** Asks both to stop. @returns how each ended: its exit code, and the signal that killed it */
export const stopBoth = ({ api, worker }: { api: Container; worker: Container }): Promise<unknown[]> =>
  Promise.all(
    [api, worker].map(({ child }) => {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      return exited
    }),
  )
