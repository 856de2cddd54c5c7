/** The outside world of a command. Tests pass their own. */
export interface Io {
  env: Record<string, string | undefined>
  out(text: string): void
  err(text: string): void
  /** The person's terminal; undefined if input or output is no terminal. */
  terminal?: Terminal | undefined
  /** Aborts on Ctrl-C. */
  signal?: AbortSignal | undefined
}

/** A person's keyboard and screen. */
export interface Terminal {
  screen: NodeJS.WriteStream
  /** Asks for a line; a hidden one isn't shown while it is typed. */
  ask(question: string, options?: { hidden?: boolean }): Promise<string>
}

/** Exit codes. */
export const EXIT = { ok: 0, found: 1, unreachable: 2, signIn: 3, refused: 4, usage: 64, interrupted: 130 } as const

/** Ends a command, with a message that explains itself. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number
  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}
