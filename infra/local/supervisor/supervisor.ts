import { resolve } from 'node:path'
import type { HostConfig } from '../../../lib/core/host-config.ts'
import { type Component, howEnded } from '../components/component.ts'
import { acquireLock } from '../shared/lock.ts'
import { startPeriodicTimer } from '../shared/periodic-timer.ts'
import { inDataFolder } from './data-folder.ts'
import { createDiskWatch } from './disk-watch.ts'
import { keepRunning } from './keep-running.ts'
import { waitForLeftovers } from './leftovers.ts'
import { keepSecrets } from './local-config.ts'
import { controlOf, type KeptPart } from './part-control.ts'
import { demandPort } from './port.ts'
import { createRunFile, type RunFile, type RunningProcess, readRunFile } from './run-file.ts'
import { hostPart, kafkaPart, type Part, postgresPart, type StackState, sqsS3Part } from './stack-parts.ts'
import type { Terminal } from './terminal.ts'

const DISK_CHECK_SECONDS = 10

export interface Supervisor {
  url: string
  dataDir: string
  /** Ends the parts in the reverse order of their need, and gives the data folder back. */
  stop(): Promise<void>
}

export class AlreadyRunningError extends Error {
  override readonly name = 'AlreadyRunningError'
  constructor(dataDir: string, processes: readonly RunningProcess[]) {
    const pid = processes.find(({ name }) => name === 'supervisor')?.pid
    const url = processes.find(({ name }) => name === 'host')?.address
    super(
      `Stint is already running on ${dataDir} (process ${pid ?? 'unknown'}, ${url ?? 'still starting'}). ` +
        `Nothing was touched.\nStop it with Ctrl-C where it runs${pid ? ` (kill ${pid})` : ''}, or give this one a folder of its own: ` +
        'STINT_DATA_DIR=.stint-2 PORT=0 npm start',
    )
  }
}

/**
 * Runs the stack on a data folder: Postgres with its migrations, SQS and S3, Kafka, and the host; whatever dies is
 * started again.
 * @throws {AlreadyRunningError} @throws {PortTakenError} @throws {DataFolderError}
 * @throws {ComponentError} when a part can't be started at all
 */
export const startSupervisor = async (
  config: HostConfig,
  env: Record<string, string | undefined>,
  terminal: Terminal,
): Promise<Supervisor> => {
  const dataDir = resolve(config.dataDir)
  const lock = await inDataFolder(dataDir, () => acquireLock(dataDir))
  if (!lock) throw new AlreadyRunningError(dataDir, readRunFile(dataDir))
  const kept: KeptPart[] = []
  let runFile: RunFile | undefined
  try {
    const port = await demandPort(config.port)
    terminal.title(`Stint starts on ${dataDir}`)
    const url = `http://localhost:${port}`
    const secrets = await inDataFolder(dataDir, () => keepSecrets(dataDir))
    runFile = await takeOverRunFile(dataDir, terminal)
    const state: StackState = {
      config: { ...config, dataDir, port },
      url,
      env,
      secrets,
      runFile,
      terminal,
      latest: {},
      control: controlOf(kept),
      workers: new Map(),
      needed: Promise.resolve(),
      kafkaStarts: 0,
      republishedFor: 0,
    }
    const needed = [keep(state, postgresPart, kept), keep(state, sqsS3Part, kept), keep(state, kafkaPart, kept)]
    state.needed = Promise.all(needed)
    const started = [...needed, keep(state, hostPart, kept)]
    const failed = (await Promise.allSettled(started)).find((it) => it.status === 'rejected')
    if (failed) throw failed.reason
    const diskWatch = createDiskWatch({ folder: dataDir, notice: terminal.notice })
    const looking = startPeriodicTimer(DISK_CHECK_SECONDS, diskWatch.look)
    looking.nudge()
    return {
      url,
      dataDir,
      stop: async () => {
        await looking.stop()
        await stopInOrder(kept)
        state.runFile.clear()
        lock.release()
      },
    }
  } catch (error) {
    await stopInOrder(kept)
    runFile?.clear()
    lock.release()
    throw error
  }
}

/** The `run.json` of this run, once nothing is left of an earlier run that was killed. */
const takeOverRunFile = async (dataDir: string, terminal: Terminal): Promise<RunFile> => {
  const earlier = await inDataFolder(dataDir, () => readRunFile(dataDir))
  let failure = ''
  const runFile = createRunFile(dataDir, ({ message }) => {
    if (message !== failure) terminal.notice(`run.json does not say what runs: ${message}`)
    failure = message
  })
  runFile.set({ name: 'supervisor', pid: process.pid, port: null })
  if (earlier.length > 0) {
    terminal.notice('An earlier run on this folder was killed; waiting for what is left of it to end.')
    await waitForLeftovers(earlier)
  }
  return runFile
}

const keep = async <C extends Component>(state: StackState, part: Part<C>, all: KeptPart[]): Promise<void> => {
  const { name } = part
  const { runFile, terminal } = state
  const began = performance.now()
  let cause = ''
  let lastFailure = ''
  let startedAtMs: number | null = null
  let starts = 0
  const kept = await keepRunning<C>({
    start: (port) => part.start(state, port),
    onUp: (component, afterMs) => {
      const { address, what } = part.describe(component, state)
      startedAtMs = Date.now()
      starts++
      runFile.set({ name, pid: component.pid, port: component.port, address })
      part.onUp(state, component)
      if (afterMs === undefined) terminal.part({ name, address, what, readyMs: performance.now() - began })
      else terminal.notice(`${name} ${cause}, started again in ${(afterMs / 1_000).toFixed(1)} s`)
    },
    onDown: (_, exit, wanted) => {
      const purpose = part.onDown?.(state)
      cause = wanted ? 'was stopped by an admin' : (purpose ?? `died (${howEnded(exit)})`)
      startedAtMs = null
      lastFailure = ''
      runFile.remove(name)
    },
    onFailed: ({ message }) => {
      if (message !== lastFailure) terminal.notice(`${name} ${cause}, and did not start again yet: ${message}`)
      lastFailure = message
    },
  })
  all.push({ name, canStop: part.canStop, kept, history: () => ({ startedAtMs, restarts: starts - 1 }) })
}

/** First the part that uses the others, last the one that keeps the data. */
const STOP_ORDER = [['host'], ['kafka', 'sqs-s3'], ['postgres']]

const stopInOrder = async (parts: KeptPart[]): Promise<void> => {
  for (const names of STOP_ORDER) {
    await Promise.all(parts.filter(({ name }) => names.includes(name)).map(({ kept }) => kept.stop()))
  }
}
