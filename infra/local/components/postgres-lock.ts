import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** The script that runs a postmaster: by its name in the process list one sees whether a postmaster has its guardian. */
export const GUARDIAN = 'postgres-guardian.ts'

/** How long a guardian whose parent was killed may take to end its server. */
const GUARDIAN_ENDS_MS = 5_000

/**
 * Makes the data folder free to start on: ends a postmaster that lost its guardian, and removes the lock file of one
 * that is gone when some other process has its process id by now, or when the file was torn.
 * @throws when a postmaster with its guardian runs on it
 */
export const freeDataFolder = async (data: string): Promise<void> => {
  const file = join(data, 'postmaster.pid')
  if (!existsSync(file)) return
  const pid = Number.parseInt(await readFile(file, 'utf8'), 10)
  // A power cut may leave a file without a process id. Postgres would ask for a person to remove it.
  if (!(pid > 0)) return rm(file, { force: true })
  if (!isAlive(pid)) return
  if (!isPostmasterOf(pid, data)) {
    // Postgres would take the stranger for a server of this folder. Its own check for backends that are still
    // attached to the shared memory of this folder doesn't need the file.
    await rm(file, { force: true })
    return
  }
  for (let waited = 0; isGuarded(pid); waited += 50) {
    if (waited === GUARDIAN_ENDS_MS) throw new Error(`another Postgres (process ${pid}) is running on ${data}`)
    await sleep(50)
  }
  if (isAlive(pid)) process.kill(pid, 'SIGINT')
  for (let waited = 0; isAlive(pid); waited += 50) {
    if (waited === 10_000) process.kill(pid, 'SIGKILL')
    await sleep(50)
  }
}

const isGuarded = (pid: number): boolean => commandOf(parentOf(pid)).some((word) => word.endsWith(GUARDIAN))

export const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

const isPostmasterOf = (pid: number, data: string): boolean => {
  const [program = '', ...args] = commandOf(pid)
  return basename(program) === 'postgres' && args.includes(data)
}

/** A process's command line; empty when there is no such process, or only a zombie. */
export const commandOf = (pid: number): string[] => {
  if (process.platform !== 'linux') return ps(pid, 'command=').split(' ')
  return procFile(pid, 'cmdline').split('\0')
}

export const parentOf = (pid: number): number => {
  if (process.platform !== 'linux') return Number.parseInt(ps(pid, 'ppid='), 10)
  // "pid (name) state ppid …", where the name may hold anything.
  return Number(procFile(pid, 'stat').split(') ').at(-1)?.split(' ')[1])
}

const procFile = (pid: number, name: string): string => {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return ''
  }
}

const ps = (pid: number, what: string): string => {
  try {
    const args = ['-ww', '-o', what, '-p', String(pid)]
    return execFileSync('ps', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return ''
  }
}
