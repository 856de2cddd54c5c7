import { setTimeout as sleep } from 'node:timers/promises'
import { commandOf, isAlive, parentOf } from '../components/postgres-lock.ts'
import type { RunningProcess } from './run-file.ts'

const PATIENCE_MS = 15_000

/**
 * Waits for what is left of a stack whose supervisor was killed. Its processes notice and end by themselves, Postgres with a
 * checkpoint. One that hasn't ended after a while is killed, if it is still the process that run.json names: ids are reused.
 */
export const waitForLeftovers = async (entries: readonly RunningProcess[]): Promise<void> => {
  const left = () => entries.filter(({ name, pid }) => isAlive(pid) && isLeftover(name, pid))
  for (const deadline = Date.now() + PATIENCE_MS; left().length > 0; await sleep(50)) {
    if (Date.now() < deadline) continue
    // The next guardian of Postgres ends orphans on its data folder itself.
    for (const { name, pid } of left()) if (name !== 'postgres') process.kill(pid, 'SIGKILL')
    return
  }
}

/** Whether a process is one of ours that has lost its parent. */
const isLeftover = (name: string, pid: number): boolean => {
  const command = commandOf(pid).join(' ')
  if (name === 'postgres') return /\bpostgres\b/.test(command)
  return isOurs(command) && !isOurs(commandOf(parentOf(pid)).join(' '))
}

const isOurs = (command: string): boolean => command.includes('infra/local/')
