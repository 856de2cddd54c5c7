import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../infra/local/components/free-port.ts'
import { startPostgres } from '../../infra/local/components/postgres.ts'
import { connects } from '../../infra/local/components/reachable.ts'
import type { RunningProcess } from '../../infra/local/supervisor/run-file.ts'

/** Where a peer stores its jobs. */
export interface Service {
  process: RunningProcess
  env: { redisPort?: number; databaseUrl?: string }
  stop(): Promise<void>
}

const HERE = fileURLToPath(new URL('.', import.meta.url))
export const VENV = join(HERE, 'venv')

/** Installs what a peer needs into this folder, once. @returns why it can't be measured, if it can't */
export const whyNot = (peer: string): string | undefined => {
  try {
    if (peer === 'celery') installPython()
    else if (!existsSync(join(HERE, 'node_modules'))) execFileSync('npm', ['ci', '--ignore-scripts'], { cwd: HERE })
    if (!peer.startsWith('pg-') && peer !== 'graphile-worker') execFileSync('redis-server', ['--version'])
    return undefined
  } catch (error) {
    return String(error).split('\n')[0]
  }
}

const installPython = (): void => {
  const done = join(VENV, 'installed')
  if (existsSync(done)) return
  execFileSync('python3', ['-m', 'venv', VENV])
  execFileSync(join(VENV, 'bin/pip'), ['install', '--quiet', '-r', join(HERE, 'requirements.txt')])
  writeFileSync(done, '')
}

/** Redis that writes its log to the disk every second. */
export const startRedis = async (folder: string): Promise<Service> => {
  const port = await freePort()
  const settings = [
    '--appendonly',
    'yes',
    '--appendfsync',
    'everysec',
    '--save',
    '',
    '--maxmemory-policy',
    'noeviction',
  ]
  const child = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, ...settings], {
    stdio: 'ignore',
  })
  while (!(await connects('127.0.0.1', port))) await sleep(50)
  return { process: { name: 'redis', pid: child.pid ?? 0, port }, env: { redisPort: port }, stop: () => end(child) }
}

/** The PostgreSQL that Stint uses, with the same settings. */
export const startDatabase = async (folder: string): Promise<Service> => {
  const postgres = await startPostgres({ dataDir: join(folder, 'postgres') })
  const { pid, port, socketUrl } = postgres
  return { process: { name: 'postgres', pid, port }, env: { databaseUrl: socketUrl }, stop: postgres.stop }
}

export const end = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
    setTimeout(() => child.kill('SIGKILL'), 5_000).unref()
  })
