import { useSignal } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { api } from '../../data/client.ts'
import type { Job, LogLine } from '../../data/job.ts'
import { useNewest } from '../../data/newest.ts'
import { TextField } from '../../forms/text-field.tsx'
import { Action } from '../../parts/action.tsx'
import { instant, quantity, timeOfDay } from '../../parts/format.ts'
import { Problem } from '../../parts/problem.tsx'

const NEAR_END_PX = 40
/** Log lines are not pushed as events are, so they are polled. */
const LOG_MS = 2_000

/** The end of the job's log, as it grows. It keeps scrolling with it until somebody scrolls up. */
export const JobLogs = ({ job }: { job: Job }) => {
  const { items, hasEarlier, problem, readEarlier } = useNewest<LogLine>(
    `logs ${job.id}`,
    (cursor, signal) =>
      api.call('GET /jobs/{jobId}/logs', {
        params: { jobId: job.id },
        query: { cursor, limit: 100, order: 'desc' },
        ...(signal && { signal }),
      }),
    { job: job.id, everyMs: job.state === 'running' ? LOG_MS : undefined },
  )
  const sought = useSignal('')
  const found = items?.filter((line) => has(line, sought.value.trim().toLowerCase()))
  const frame = useRef<HTMLDivElement>(null)
  const follows = useRef(true)
  useLayoutEffect(() => {
    if (frame.current && follows.current) frame.current.scrollTop = frame.current.scrollHeight
  }, [items?.at(-1)?.id])
  // Earlier lines are put above without moving the lines that are being read.
  const height = useRef(0)
  useLayoutEffect(() => {
    const it = frame.current
    if (it && height.current > 0) it.scrollTop += it.scrollHeight - height.current
    height.current = 0
  }, [items?.[0]?.id])
  const showEarlier = async (): Promise<void> => {
    follows.current = false
    const measure = () => {
      height.current = frame.current?.scrollHeight ?? 0
    }
    await readEarlier(measure)
    // The button may be gone, and then the focus is lost.
    frame.current?.focus({ preventScroll: true })
  }

  return (
    <section class="card" aria-labelledby="logs">
      <h2 id="logs">Log</h2>
      <Problem problem={problem} />
      {items === undefined && !problem && <p class="soft">…</p>}
      {items?.length === 0 && <p class="soft">No log lines.</p>}
      {items !== undefined && items.length > 0 && (
        <div class="inline-form">
          <TextField label="Find in these lines" name="sought" value={sought} />
          {hasEarlier && <Action run={showEarlier}>Earlier lines</Action>}
        </div>
      )}
      {items !== undefined && found !== undefined && found.length < items.length && (
        <p class="soft" role="status">
          {quantity(found.length, 'line')} of {items.length}
          {hasEarlier && ', and earlier ones have not been read'}
        </p>
      )}
      {found !== undefined && found.length > 0 && (
        <div
          class="log"
          ref={frame}
          role="log"
          aria-labelledby="logs"
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
          tabIndex={0}
          onScroll={({ currentTarget: it }) => {
            follows.current = it.scrollHeight - it.scrollTop - it.clientHeight < NEAR_END_PX
          }}
        >
          <ol>
            {found.map((line) => (
              <li key={line.id} data-level={line.level}>
                <time dateTime={line.createdAt} title={instant(line.createdAt)}>
                  {timeOfDay(line.createdAt)}
                </time>
                <b>{line.level}</b>
                <span>
                  {line.message}
                  {line.data !== null && <i>{JSON.stringify(line.data)}</i>}
                </span>
              </li>
            ))}
          </ol>
        </div>
      )}
    </section>
  )
}

/** Whether the text, in small letters, is in a line as it is shown. */
const has = ({ level, message, data }: LogLine, text: string): boolean =>
  text === '' || `${level} ${message} ${data === null ? '' : JSON.stringify(data)}`.toLowerCase().includes(text)
