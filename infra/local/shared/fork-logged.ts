import { type ChildProcess, fork } from 'node:child_process'
import { closeSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Environment } from '../host/host-app.ts'

/**
 * Megabytes of each half of V8's young generation from the start. V8 begins with one, and grows it only after it has moved many a
 * batch of jobs or events into the old generation, where they are garbage that only a full collection finds.
 */
const YOUNG_MB = 16

/** Starts a child process of the host whose output goes to `logFd`, which is then closed here, unless it is the host's own. */
export const forkLogged = (entry: URL, args: string[], env: Environment, logFd: number): ChildProcess => {
  const child = fork(fileURLToPath(entry), args, {
    execArgv: ['--disable-warning=ExperimentalWarning', `--min-semi-space-size=${YOUNG_MB}`],
    env,
    stdio: ['ignore', logFd, logFd, 'ipc'],
  })
  if (logFd !== process.stdout.fd) closeSync(logFd)
  return child
}
