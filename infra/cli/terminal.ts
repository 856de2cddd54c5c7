import { createInterface, type Interface } from 'node:readline'
import { Writable } from 'node:stream'
import { CommandError, EXIT, type Terminal } from './io.ts'

/** A terminal that asks for lines, and can print others while one is being typed. */
export interface Prompt extends Terminal {
  /** The next line; undefined at the end of the input (Ctrl-D). Ctrl-C gives an empty one. */
  line(question: string): Promise<string | undefined>
  /** Prints a line above the one that is being typed, which stays as it is. */
  say(line: string): void
  /** What Ctrl-C does while no line is asked for. */
  onInterrupt?: () => void
  close(): void
}

/** What is typed while it is muted isn't shown. */
const createMutable = (screen: NodeJS.WriteStream) => {
  const state = { isMuted: false }
  const output = Object.assign(
    new Writable({
      write: (chunk, _encoding, done) => {
        if (!state.isMuted) screen.write(chunk)
        done()
      },
    }),
    { isTTY: true },
  )
  // readline wraps lines by this width, and terminals are resized.
  Object.defineProperty(output, 'columns', { get: () => screen.columns })
  return { output, state }
}

export const createPrompt = (keyboard: NodeJS.ReadStream, screen: NodeJS.WriteStream): Prompt => {
  const { output, state } = createMutable(screen)
  let readline: Interface | undefined
  let waiting: { line: (line: string | undefined) => void; interrupted: () => void } | undefined
  /** Lines that came before they were asked for: people type ahead, and paste. */
  let ahead: string[] = []
  let hasEnded = false

  /** Opened when first used: it takes over the keyboard, and keeps the process alive. */
  const opened = (): Interface => {
    if (readline) return readline
    const made = createInterface({ input: keyboard, output, terminal: true, historySize: 200 })
    made.on('line', (line) => {
      if (waiting) taken().line(line)
      else ahead.push(line)
    })
    made.on('close', () => {
      hasEnded = readline === made
      readline = undefined
      if (waiting) taken().line(undefined)
    })
    made.on('SIGINT', () => {
      screen.write('^C\n')
      made.write(null, { ctrl: true, name: 'u' })
      ahead = []
      if (waiting) taken().interrupted()
      else prompt.onInterrupt?.()
    })
    readline = made
    return made
  }

  const taken = () => {
    const it = waiting
    waiting = undefined
    return it as NonNullable<typeof it>
  }

  const line = (question: string, fails = false): Promise<string | undefined> => {
    const next = ahead.shift()
    if (next !== undefined) {
      screen.write(`${question}${state.isMuted ? '' : next}\n`)
      return Promise.resolve(next)
    }
    if (hasEnded) return Promise.resolve(undefined)
    const it = opened()
    return new Promise((resolve, reject) => {
      waiting = {
        line: resolve,
        interrupted: () => (fails ? reject(new CommandError('', EXIT.interrupted)) : resolve('')),
      }
      it.setPrompt(question)
      it.prompt()
    })
  }

  const close = (): void => {
    const left = readline
    readline = undefined
    left?.close()
  }

  const prompt: Prompt = {
    screen,
    line: (question) => line(question),
    ask: async (question, { hidden = false } = {}) => {
      const wasOpen = readline !== undefined
      const answer = line(question, true)
      state.isMuted = hidden
      try {
        const given = await answer
        if (given === undefined) throw new CommandError('', EXIT.interrupted)
        return given
      } finally {
        state.isMuted = false
        if (hidden) {
          screen.write('\n')
          const kept = readline as (Interface & { history?: string[] }) | undefined
          kept?.history?.shift()
        }
        if (!wasOpen) close()
      }
    },
    say: (text) => {
      if (!readline || !waiting || state.isMuted) {
        screen.write(`${text}\n`)
        return
      }
      const { rows } = readline.getCursorPos()
      // Moves up to where the prompt begins, clears everything below, and draws the line again with the cursor in its place.
      screen.write(`\r${rows > 0 ? `\x1b[${rows}A` : ''}\x1b[J${text}\n`)
      readline.prompt(true)
    },
    close,
  }
  return prompt
}
