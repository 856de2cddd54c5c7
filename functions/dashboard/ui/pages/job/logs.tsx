import { useEffect, useRef } from 'preact/hooks'
import { api } from '../../data/client.ts'
import type { Job, LogLine } from '../../data/job.ts'
import { useTail } from '../../data/tail.ts'
import { instant, timeOfDay } from '../../parts/format.ts'
import { Problem } from '../../parts/problem.tsx'

const NEAR_END_PX = 40
/** Lines are no events: they are asked for. */
const LOG_MS = 2_000

/** What the job wrote, as it comes; it stays at the end as long as nobody scrolls up. */
export const JobLogs = ({ job }: { job: Job }) => {
  const { items, isCut, problem } = useTail<LogLine>(
    `logs ${job.id}`,
    (cursor, signal) =>
      api.call('GET /jobs/{jobId}/logs', { params: { jobId: job.id }, query: { cursor, limit: 100 }, signal }),
    { job: job.id, everyMs: job.state === 'running' ? LOG_MS : undefined },
  )
  const frame = useRef<HTMLDivElement>(null)
  const follows = useRef(true)
  useEffect(() => {
    if (frame.current && follows.current) frame.current.scrollTop = frame.current.scrollHeight
  }, [items?.at(-1)?.id])

  return (
    <section class="card" aria-labelledby="logs">
      <h2 id="logs">Log</h2>
      <Problem problem={problem} />
      {items === undefined && !problem && <p class="soft">…</p>}
      {items?.length === 0 && <p class="soft">It has written nothing.</p>}
      {items !== undefined && items.length > 0 && (
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
            {items.map((line) => (
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
      {isCut && <p class="soft">These are the latest lines: the API gives them all.</p>}
    </section>
  )
}
