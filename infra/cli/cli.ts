import type { Command } from 'commander'
import type { Io } from './io.ts'

/** What the commands of one run share. */
export interface Cli {
  io: Io
  /** Sets the exit code. */
  exit(code: number): void
  /** Makes a command print by `io`, and throw instead of ending the process. */
  configure(command: Command): void
  /** Called for each job that was submitted here. */
  submitted(jobId: string): void
}
