import { useEffect, useRef } from 'preact/hooks'
import { api } from '../../data/client.ts'
import { useQuery } from '../../data/query.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Pending } from '../../parts/pending.tsx'
import { readLogLine } from './log-line.ts'

const LINES = 300
const POLL_MS = 2_000
const NEAR_END_PX = 40

/** The end of a process's log, as it grows. It keeps scrolling with it until somebody scrolls up. */
export const LogDialog = ({ name, close }: { name: string; close: () => void }) => {
  const { data, problem } = useQuery(
    `log of ${name}`,
    (signal) => api.call('GET /system/processes/{name}/logs', { params: { name }, query: { lines: LINES }, signal }),
    { everyMs: POLL_MS, still: true },
  )
  const frame = useRef<HTMLDivElement>(null)
  const follows = useRef(true)
  useEffect(() => {
    if (frame.current && follows.current) frame.current.scrollTop = frame.current.scrollHeight
  }, [data])
  return (
    <Dialog title={`Log of ${name}`} close={close} isWide>
      <Pending data={data} problem={problem} lines={6} />
      {data?.lines.length === 0 && <p class="soft">No log lines.</p>}
      {data && data.lines.length > 0 && (
        <div
          class="log"
          ref={frame}
          role="log"
          aria-label={`Log of ${name}`}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
          tabIndex={0}
          onScroll={({ currentTarget: it }) => {
            follows.current = it.scrollHeight - it.scrollTop - it.clientHeight < NEAR_END_PX
          }}
        >
          <ol>
            {data.lines.map((line, nth) => (
              <Line key={nth} text={line} />
            ))}
          </ol>
        </div>
      )}
    </Dialog>
  )
}

const Line = ({ text }: { text: string }) => {
  const line = readLogLine(text)
  if (!line) {
    return (
      <li class="whole">
        <span>{text}</span>
      </li>
    )
  }
  return (
    <li data-level={line.level}>
      <time>{line.time}</time>
      <b>{line.level}</b>
      <span>
        {line.message}
        {line.rest !== '' && <i>{line.rest}</i>}
      </span>
    </li>
  )
}
