import { styleText } from 'node:util'

/** The colours of the states, as everywhere else. */
export const STATE_COLOURS = {
  blocked: 'dim',
  queued: 'yellow',
  running: 'cyan',
  succeeded: 'green',
  failed: 'red',
  cancelled: 'red',
} as const

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** A progress bar. @param part that is done, 0 to 1 @param width in columns */
export const drawBar = (
  part: number,
  width: number,
  colour: (typeof STATE_COLOURS)[keyof typeof STATE_COLOURS],
): string => {
  const eighths = Math.round(part * width * 8)
  const full = `${'█'.repeat(Math.floor(eighths / 8))}${EIGHTHS[eighths % 8]}`
  return `${styleText(colour, full)}${styleText('dim', '·'.repeat(width - full.length))}`
}
