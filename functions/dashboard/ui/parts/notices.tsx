import { signal } from '@preact/signals'

interface Notice {
  id: number
  text: string
  failed: boolean
}

const notices = signal<Notice[]>([])
const SHOWN_MS = 6_000
let last = 0

/** Shows a short message that goes away by itself. */
export const say = (text: string, outcome: 'done' | 'failed' = 'done'): void => {
  const notice = { id: ++last, text, failed: outcome === 'failed' }
  notices.value = [...notices.value.slice(-2), notice]
  setTimeout(() => {
    notices.value = notices.value.filter((it) => it !== notice)
  }, SHOWN_MS)
}

export const Notices = () => (
  <div class="notices" role="status" aria-live="polite">
    {notices.value.map((it) => (
      <p key={it.id} class={it.failed ? 'notice failed' : 'notice'}>
        {it.text}
      </p>
    ))}
  </div>
)
