/** What one stint's code saw and did, as its process knows it. */
export interface StintEntry {
  jobId: string
  stint: number
  attempt: number
  process: string
  /** The checkpoint it was given: what the stint `by` had done. */
  from: Checkpoint | undefined
  parents: { jobId: string; state: string; result: unknown }[]
  /** How far its checkpoints came. */
  checkpointed: number
  /** The same while nobody wanted it to stop. */
  undisturbed: number
  /** How far it got past a durable safe point: at least that point must be saved. */
  durable: number
  /** The lines that it logged. */
  lines: string[]
  /** `stopped`: at a safe point, or with its process. */
  ending: 'runs' | 'returned' | 'threw' | 'stopped'
  /** Of what it threw. */
  code: string | undefined
  /** Somebody wanted it to stop, or took it away. */
  aborted: boolean
  /** Its invocation lasted into the end of the function's time, when outcomes are all that is written. */
  late: boolean
}

export interface Checkpoint {
  at: number
  by: number
}

/** Everything that jobs' code did in any process, in order. */
export class Journal {
  readonly entries: StintEntry[] = []

  begin(entry: Pick<StintEntry, 'jobId' | 'stint' | 'attempt' | 'process' | 'from' | 'parents'>): StintEntry {
    const begun: StintEntry = {
      ...entry,
      checkpointed: entry.from?.at ?? 0,
      undisturbed: entry.from?.at ?? 0,
      durable: entry.from?.at ?? 0,
      lines: [],
      ending: 'runs',
      code: undefined,
      aborted: false,
      late: false,
    }
    this.entries.push(begun)
    return begun
  }

  /** A job's stints whose code began, in their order. */
  of(jobId: string): StintEntry[] {
    return this.entries.filter((it) => it.jobId === jobId).toSorted((a, b) => a.stint - b.stint)
  }

  runningIn(process: string): StintEntry[] {
    return this.entries.filter((it) => it.process === process && it.ending === 'runs')
  }
}
