import type { Command } from 'commander'
import type { Io } from './io.ts'

/** What the commands of one run share. */
export interface Cli {
  io: Io
  /** What the command's end will mean. */
  exit(code: number): void
  /** Has a command print as all do, and throw where it would end the process. */
  configure(command: Command): void
  /** Told of jobs that were submitted here. */
  submitted(jobId: string): void
}
