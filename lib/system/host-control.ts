/** A process of the stage that runs on this machine. */
export interface HostProcess {
  /** postgres, sqs-s3, kafka, host, worker-default-1 … */
  name: string
  /** `stopped`: somebody wanted it so. `down`: it is being started again. */
  state: 'up' | 'down' | 'stopped'
  pid: number | null
  port: number | null
  startedAt: Date | null
  /** How often it was started again since the stack began. */
  restarts: number
  /** What may be done with it now. */
  actions: ProcessAction[]
}

export const PROCESS_ACTIONS = ['start', 'stop', 'restart'] as const
export type ProcessAction = (typeof PROCESS_ACTIONS)[number]

/** What the local host lets functions know and do about the machine. On AWS there is no such thing. */
export interface HostControl {
  /** Where all that the stack writes lies. */
  dataDir: string
  processes(): Promise<HostProcess[]>
  /** Begins what was asked for. Whether it came to its end, {@link HostControl.processes} tells. */
  act(name: string, action: ProcessAction): Promise<void>
  /** The last lines of a process's log, oldest first. Only for a name out of {@link HostControl.processes}. */
  logs(name: string, lines: number): Promise<string[]>
}
