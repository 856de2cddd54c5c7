import { styleText } from 'node:util'

/** What is said to the person at the terminal. Logs go to files. */
export interface Terminal {
  title(text: string): void
  /** A part of the stack that is ready. */
  part(part: { name: string; address: string; what: string; readyMs: number }): void
  fact(name: string, text: string): void
  /** Something that changed while the stack runs. */
  notice(text: string): void
  hint(text: string): void
}

export const createTerminal = (write: (line: string) => void): Terminal => ({
  title: (text) => write(`\n${styleText('bold', text)}\n`),
  part: ({ name, address, what, readyMs }) => {
    const ready = styleText('green', `ready in ${(readyMs / 1_000).toFixed(1)} s`)
    write(`  ${name.padEnd(10)} ${address.padEnd(22)} ${what.padEnd(31)} ${ready}`)
  },
  fact: (name, text) => write(`  ${name.padEnd(10)} ${text}`),
  notice: (text) => write(`${styleText('dim', new Date().toTimeString().slice(0, 8))}  ${text}`),
  hint: (text) => write(`\n${styleText('dim', text)}\n`),
})

/**
 * Lets this process go on if its output can't be written: nobody reads it any more (`npm start | head`), or it goes to a file on
 * a full disk. That output is lost.
 */
export const goOnUnheard = (): void => {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
}
