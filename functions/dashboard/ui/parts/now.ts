import { signal } from '@preact/signals'

/** The clock of everything that says how long ago something was; it ticks each second. */
export const now = signal(Date.now())

setInterval(() => {
  if (!document.hidden) now.value = Date.now()
}, 1_000)
