import { setTimeout as sleep } from 'node:timers/promises'
import { type Component, startChild } from '../components/component.ts'
import { commandOf } from '../components/postgres-lock.ts'
import type { FromHost, HostOptions, HostReady, ToHost } from '../host/host-protocol.ts'
import { createLineLog } from '../shared/log-file.ts'

/** The host process, as a part of the stack like the others. */
export interface Host extends Component {
  ready: HostReady
  tell(message: ToHost): void
}

/**
 * The size of each half of V8's young generation. It must not fill up before the objects of a batch of a thousand jobs are
 * garbage: otherwise they are all promoted, and costly to collect.
 */
const YOUNG_MB = 64

/**
 * Starts the host, which loads its code while `options` are awaited.
 * @param env that the stack was started in
 * @param signal ends it while it starts
 */
export const startHost = async (
  dataDir: string,
  env: Record<string, string>,
  options: Promise<HostOptions>,
  onMessage: (message: FromHost) => void,
  signal: AbortSignal,
): Promise<Host> => {
  const log = createLineLog(dataDir, 'host')
  const child = await startChild<HostReady>({
    name: 'host',
    entry: '../host/host.ts',
    options,
    env,
    readySeconds: 60,
    execArgv: [`--max-semi-space-size=${YOUNG_MB}`],
    onLine: log.write,
    signal,
    onMessage: (message) => {
      if ('type' in message) onMessage(message as FromHost)
    },
  })
  void child.exited.then(() => log.end())
  return {
    name: 'host',
    pid: child.process.pid ?? 0,
    port: child.ready.port,
    exited: child.exited,
    stop: child.stop,
    ready: child.ready,
    tell: (message) => {
      if (child.process.connected) child.process.send(message, () => {})
    },
  }
}

/**
 * Ends the workers of a host that died, and waits until they are gone. They end by themselves, but a late one could renew a
 * lease that the next host has just ended.
 */
export const endWorkers = async (pids: readonly number[]): Promise<void> => {
  const left = () => pids.filter((pid) => commandOf(pid).some((word) => /(worker|schedules)-process\.ts$/.test(word)))
  for (let waitedMs = 0; left().length > 0 && waitedMs < 5_000; waitedMs += 10) {
    for (const pid of left()) kill(pid)
    await sleep(10)
  }
}

const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended since.
  }
}
