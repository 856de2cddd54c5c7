/** The terminal: lines that stay, and below them lines that change. Without a terminal there are only the former. */
export interface Screen {
  /** Whether lines can change. */
  isLive: boolean
  columns(): number
  say(line?: string): void
  /** Shows text below everything that was printed, in place of what it showed before. */
  show(lines: readonly string[]): void
  /** Leaves the text as it is, and gives the terminal back. */
  close(): void
}

const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
/** Lines that are too long are cut off and not wrapped. Otherwise it isn't known how far up the first one is. */
const NO_WRAP = '\x1b[?7l'
const WRAP = '\x1b[?7h'
const ERASE_LINE_END = '\x1b[K'
const ERASE_BELOW = '\x1b[J'

export const createScreen = (out: NodeJS.WriteStream): Screen => {
  const isLive = out.isTTY && process.env['TERM'] !== 'dumb' && !process.env['CI']
  if (!isLive) {
    return {
      isLive,
      columns: () => 100,
      say: (line = '') => void out.write(`${line}\n`),
      show: () => {},
      close: () => {},
    }
  }
  let shown: readonly string[] = []
  const up = (): string => (shown.length > 0 ? `\r\x1b[${shown.length}A` : '\r')
  const block = (lines: readonly string[]): string =>
    `${NO_WRAP}${lines.map((line) => `${line}${ERASE_LINE_END}\n`).join('')}${WRAP}${ERASE_BELOW}`
  return {
    isLive,
    columns: () => out.columns,
    // Written in one go, so that nothing flickers.
    say: (line = '') => void out.write(`${up()}${line}${ERASE_LINE_END}\n${block(shown)}`),
    show: (lines) => {
      out.write(`${HIDE_CURSOR}${up()}${block(lines)}`)
      shown = lines
    },
    close: () => {
      shown = []
      out.write(SHOW_CURSOR)
    },
  }
}
