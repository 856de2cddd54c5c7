import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { NODE_PEERS } from './peer.ts'

const SETTINGS: Record<string, string> = {
  celery:
    'FastAPI by uvicorn (uvloop, httptools), one process; a Celery worker with 2 processes, prefetch 128; results in Redis',
  bullmq: 'workers: 2 processes, concurrency 100 each; ended jobs are kept; bulk by addBulk of 1 000',
  'bee-queue': 'workers: 2 processes, concurrency 100 each; ended jobs are kept; bulk by saveAll of 1 000',
  'pg-boss':
    'workers: 2 processes, woken by NOTIFY, 2 fetchers of 500 each for the drain and of 50 else; bulk by insert of 1 000',
  'graphile-worker':
    'workers: 2 processes, concurrency 24 each, for the drain a local queue of 500 and ends in batches; it keeps neither ended jobs nor results; bulk by addJobs of 1 000',
}

const keepsInRedis = (name: string): boolean => {
  const { [name as keyof typeof NODE_PEERS]: store = 'redis' } = NODE_PEERS
  return store === 'redis'
}

/** How a peer is set up, for people. */
export const settingsOf = (name: string): string => {
  const where = keepsInRedis(name) ? 'Redis, appendonly every second' : 'the same PostgreSQL, with the same settings'
  return `${SETTINGS[name]}; ${where}`
}

export const versionsOf = (systems: readonly string[]): string => {
  const pinned = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf8')).dependencies
  const python = readFileSync(new URL('./requirements.txt', import.meta.url), 'utf8')
  const versions = systems.flatMap((name) => {
    if (name === 'celery')
      return ['fastapi', 'celery'].map((it) => `${it} ${new RegExp(`^${it}==(.*)$`, 'm').exec(python)?.[1]}`)
    return name in pinned ? [`${name} ${pinned[name]}`] : []
  })
  if (!systems.some((name) => name !== 'stint' && keepsInRedis(name))) return versions.join(' · ')
  const redis = /v=(\S+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }))?.[1]
  return [...versions, `Redis ${redis}`].join(' · ')
}
