import { useLayoutEffect, useRef } from 'preact/hooks'
import { api } from '../../data/client.ts'
import type { Job } from '../../data/job.ts'
import { useQuery } from '../../data/query.ts'
import { cut } from '../../parts/format.ts'
import { titleOf } from '../jobs/table.tsx'
import { layers, type Relative } from './layers.ts'

const WIDTH = 168
const HEIGHT = 40
const GAP_X = 16
const GAP_Y = 36
/** It shrinks to the width of a phone as long as it stays readable, and scrolls if that is not enough. */
const SMALLEST = 0.75

/** The jobs that this one runs after, above it, and those that run after it, below. */
export const JobRelatives = ({ job }: { job: Job }) => {
  const { data } = useQuery(`relatives ${job.id}`, (signal) =>
    api.call('GET /jobs/{jobId}/relatives', { params: { jobId: job.id }, signal }),
  )
  const frame = useRef<HTMLElement>(null)
  const isThere = data !== undefined
  // Scrolls to the job itself, which would be hard to find among many others.
  useLayoutEffect(() => {
    const [it, self] = [frame.current, frame.current?.querySelector('[aria-current]')?.getBoundingClientRect()]
    if (it && self) it.scrollLeft += self.x + self.width / 2 - it.getBoundingClientRect().x - it.clientWidth / 2
  }, [job.id, isThere])
  if (!data || data.items.length < 2) return null
  const rows = layers(data.items)
  const widest = Math.max(...rows.map((row) => row.length))
  const width = widest * (WIDTH + GAP_X) - GAP_X
  const places = new Map(
    rows.flatMap((row, y) => {
      const indent = (width - (row.length * (WIDTH + GAP_X) - GAP_X)) / 2
      return row.map((it, x) => [it.id, { x: indent + x * (WIDTH + GAP_X), y: y * (HEIGHT + GAP_Y) }] as const)
    }),
  )
  return (
    <section class="card" aria-labelledby="relatives">
      <h2 id="relatives">Dependencies</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <section class="graph" ref={frame} tabIndex={0} aria-label="Graph">
        <svg
          style={{ minWidth: `${width * SMALLEST}px` }}
          width={width + 2}
          height={rows.length * (HEIGHT + GAP_Y) - GAP_Y + 2}
          viewBox={`-1 -1 ${width + 2} ${rows.length * (HEIGHT + GAP_Y) - GAP_Y + 2}`}
        >
          <title>{`${data.items.length} jobs`}</title>
          {data.items.flatMap((it) =>
            it.after.map((parent) => (
              <Edge key={`${parent} ${it.id}`} from={places.get(parent)} to={places.get(it.id)} />
            )),
          )}
          {data.items.map((it) => (
            <Node key={it.id} relative={it} isSelf={it.id === job.id} place={places.get(it.id)} />
          ))}
        </svg>
      </section>
    </section>
  )
}

type Place = { x: number; y: number } | undefined

const Edge = ({ from, to }: { from: Place; to: Place }) => {
  if (!from || !to) return null
  const [x1, y1, x2, y2] = [from.x + WIDTH / 2, from.y + HEIGHT, to.x + WIDTH / 2, to.y]
  const middle = (y1 + y2) / 2
  return <path class="edge" d={`M${x1} ${y1} C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}`} />
}

const Node = ({ relative, isSelf, place }: { relative: Relative; isSelf: boolean; place: Place }) => {
  if (!place) return null
  const title = titleOf(relative)
  return (
    <a
      href={`/dashboard/jobs/${relative.id}`}
      aria-label={`${title}, ${relative.state}`}
      aria-current={isSelf ? 'true' : undefined}
    >
      <g class="node" data-state={relative.state} transform={`translate(${place.x} ${place.y})`}>
        <rect width={WIDTH} height={HEIGHT} rx="6" />
        <circle cx="14" cy={HEIGHT / 2} r="4" />
        <text x="26" y={HEIGHT / 2 + 4}>
          {cut(title, 19)}
        </text>
      </g>
    </a>
  )
}
