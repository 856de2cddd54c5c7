import { signal } from '@preact/signals'
import { currentMs } from '../data/clock.ts'

/** The clock of everything that says how long ago something was; it ticks each second. */
export const now = signal(currentMs())

setInterval(() => {
  if (!document.hidden) now.value = currentMs()
}, 1_000)
