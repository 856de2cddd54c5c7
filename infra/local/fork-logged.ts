import { type ChildProcess, fork } from 'node:child_process'
import { closeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Environment } from './host-app.ts'

/** Starts a process of the host's own, whose log is what it prints. `logFd` is closed here, but for the host's own output. */
export const forkLogged = (entry: string, args: string[], env: Environment, logFd: number): ChildProcess => {
  const child = fork(fileURLToPath(new URL(entry, import.meta.url)), args, {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env,
    stdio: ['ignore', logFd, logFd, 'ipc'],
  })
  if (logFd !== process.stdout.fd) closeSync(logFd)
  return child
}
