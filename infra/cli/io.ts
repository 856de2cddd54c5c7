/** What a command works with beside its arguments. Tests give their own. */
export interface Io {
  env: Record<string, string | undefined>
  out(text: string): void
  err(text: string): void
}

/** What a command's end means to a shell. */
export const EXIT = { ok: 0, found: 1, unreachable: 2, usage: 64 } as const

/** Ends a command with a message that says all there is to say. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
  readonly exitCode: number
  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options)
    this.exitCode = exitCode
  }
}
