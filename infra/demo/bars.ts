import { styleText } from 'node:util'
import { drawBar, STATE_COLOURS } from '../cli/bar.ts'
import { percent } from '../cli/print.ts'
import type { Screen } from '../cli/screen.ts'
import type { Job } from './person.ts'

export interface Bar {
  name: string
  job: Job
  /** What is known of the result so far. */
  known: string
}

/** The text beside the bar. */
const TEXT_COLUMNS = 71

/** Draws a progress bar for each job. Without a terminal it prints a line for each tenth instead. */
export const createBars = (screen: Screen): ((bars: readonly Bar[], below: string) => void) => {
  const said = new Map<string, number>()
  return (bars, below) => {
    const width = Math.max(9, Math.min(40, screen.columns() - TEXT_COLUMNS))
    screen.show(['', ...bars.map((bar) => draw(bar, width)), '', below])
    if (screen.isLive) return
    for (const bar of bars) {
      const { state, progress } = bar.job
      // A job can be at 100 % and still run, so its end is a step of its own.
      const step = state === 'succeeded' ? 11 : Math.floor(progress * 10)
      if (step > (said.get(bar.name) ?? 0)) screen.say(draw(bar, 20))
      said.set(bar.name, step)
    }
  }
}

const draw = ({ name, job, known }: Bar, width: number): string => {
  const colour = STATE_COLOURS[job.state]
  const stint = job.stint > 0 ? `stint ${job.stint}` : ''
  return [
    ' ',
    name.padEnd(15),
    drawBar(job.progress, width, colour),
    percent(job.progress).padStart(5),
    styleText(colour, job.state.padEnd(9)),
    stint.padEnd(8),
    known,
  ].join(' ')
}
