import { Command, CommanderError } from 'commander'
import { isUnreachable } from '../../db/client.ts'
import { addAdmin } from './admin.ts'
import { addDoctor } from './doctor.ts'
import { CommandError, EXIT, type Io } from './io.ts'

/** Runs one command. @returns the exit code */
export const run = async (args: string[], io: Io): Promise<number> => {
  let exitCode: number = EXIT.ok
  const program = new Command('stint')
    .description('Long jobs on short-lived functions: what people do from a terminal.')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.out(text.trimEnd()), writeErr: (text) => io.err(text.trimEnd()) })
  addDoctor(program, io, (code) => {
    exitCode = code
  })
  addAdmin(program, io)
  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    if (!(error instanceof CommandError) && !isUnreachable(error)) throw error
    io.err((error as Error).message)
    return error instanceof CommandError ? error.exitCode : EXIT.unreachable
  }
}
