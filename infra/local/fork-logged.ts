import { type ChildProcess, fork } from 'node:child_process'
import { closeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Environment } from './host-app.ts'

/** Starts a child process of the host whose output goes to `logFd`, which is then closed here, unless it is the host's own. */
export const forkLogged = (entry: string, args: string[], env: Environment, logFd: number): ChildProcess => {
  const child = fork(fileURLToPath(new URL(entry, import.meta.url)), args, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env,
    stdio: ['ignore', logFd, logFd, 'ipc'],
  })
  if (logFd !== process.stdout.fd) closeSync(logFd)
  return child
}
