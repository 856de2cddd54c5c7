import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import { MigrationError } from '../../db/migrate.ts'
import { ConfigError } from '../../lib/core/config.ts'
import { prepareUi } from '../ui/prepare.ts'
import { ComponentError } from './components/component.ts'
import { keepCompiled } from './shared/compile-cache.ts'
import { logFolder } from './shared/log-file.ts'
import { DataFolderError } from './supervisor/data-folder.ts'
import { healthOf } from './supervisor/health-of.ts'
import { readLocalConfig } from './supervisor/local-config.ts'
import { PortTakenError } from './supervisor/port.ts'
import { AlreadyRunningError, type Supervisor, startSupervisor } from './supervisor/supervisor.ts'
import { createTerminal, goOnUnheard } from './supervisor/terminal.ts'

// `npm start`, once start.mjs has its code compiled from a cache: the whole stack on this machine, until Ctrl-C.

/** Errors whose message says all that a person needs. Others are shown with their stack. */
const EXPLAINED = [AlreadyRunningError, PortTakenError, DataFolderError, ComponentError, MigrationError, ConfigError]
/** npm repeats a Ctrl-C that the terminal has already sent to all processes: a signal that comes this soon is the same one. */
const SAME_SIGNAL_MS = 1_000

const terminal = createTerminal((line) => console.log(line))

const main = async (): Promise<void> => {
  goOnUnheard()
  if (existsSync('.env')) process.loadEnvFile('.env')
  const config = readLocalConfig(process.env)
  const starting = startSupervisor(config, process.env, terminal)
  const isStopping = stopOnSignals(starting)
  const [supervisor, ui] = await Promise.all([starting, prepareUi()])
  if (isStopping()) return
  await introduce(supervisor, ui)
  if (config.chaosSeed !== undefined) warnOfChaos(config.chaosSeed)
  process.send?.({ ready: { url: supervisor.url } })
  keepCompiled()
}

/** @returns whether a signal has come */
const stopOnSignals = (starting: Promise<Supervisor>): (() => boolean) => {
  let stoppedAt: number | undefined
  const stop = async (): Promise<void> => {
    if (stoppedAt !== undefined) {
      // The parts notice that this process is gone, and end by themselves.
      if (performance.now() - stoppedAt > SAME_SIGNAL_MS) process.exit(130)
      return
    }
    stoppedAt = performance.now()
    terminal.hint('Stopping: jobs that run stop at their next safe point. Ctrl-C again ends it at once.')
    const supervisor = await starting.catch(() => undefined)
    await supervisor?.stop()
    if (supervisor) terminal.hint('Stopped.')
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop())
  if (process.connected) process.on('disconnect', () => void stop())
  return () => stoppedAt !== undefined
}

const introduce = async ({ url, dataDir }: Supervisor, ui: Awaited<ReturnType<typeof prepareUi>>): Promise<void> => {
  terminal.title('Stint runs')
  terminal.fact('Dashboard', `${url}/${ui === 'built' ? ' (built just now)' : ''}`)
  if (typeof ui === 'object')
    terminal.hint(`The dashboard could not be built, and an older one may be shown:\n${ui.failed}`)
  terminal.fact('API', url)
  terminal.fact('Docs', `${url}/docs`)
  terminal.fact('Health', await healthOf(url))
  terminal.fact('Logs', relative(process.cwd(), logFolder(dataDir)) || '.')
  terminal.hint('Ctrl-C stops it.')
}

const warnOfChaos = (seed: number): void =>
  terminal.hint(
    `CHAOS is on (STINT_CHAOS=${seed}): doorbells are lost, doubled, late and out of order, stints are cut, workers are ` +
      'killed, and answers of the database are lost. No job may be lost by it, or end twice.',
  )

main().catch((error: unknown) => {
  const explained = EXPLAINED.some((known) => error instanceof known)
  console.error(explained ? (error as Error).message : error)
  process.exit(1)
})
