import { useSignal } from '@preact/signals'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { api } from '../../data/client.ts'
import type { Job } from '../../data/job.ts'
import { useQuery } from '../../data/query.ts'
import { titleOf } from '../jobs/table.tsx'
import { countStates, fold, layers, type Relative } from './layers.ts'

const WIDTH = 168
const HEIGHT = 40
const NAME_X = 26
const GAP_X = 16
const GAP_Y = 36
/** It shrinks to the width of a phone as long as it stays readable, and scrolls if that is not enough. */
const SMALLEST = 0.75
/** The most that the API tells. */
const MAX_TOLD = 200

/** The jobs that this one runs after, above it, and those that run after it, below. */
export const JobRelatives = ({ job }: { job: Job }) => {
  const { data } = useQuery(`relatives ${job.id}`, (signal) =>
    api.call('GET /jobs/{jobId}/relatives', { params: { jobId: job.id }, signal }),
  )
  const showsAll = useSignal(false)
  const frame = useRef<HTMLElement>(null)
  const isThere = data !== undefined
  // Scrolls to the job itself, which would be hard to find among many others.
  useLayoutEffect(() => {
    const [it, self] = [frame.current, frame.current?.querySelector('[aria-current]')?.getBoundingClientRect()]
    if (it && self) it.scrollLeft += self.x + self.width / 2 - it.getBoundingClientRect().x - it.clientWidth / 2
  }, [job.id, isThere, showsAll.value])
  if (!data || data.items.length < 2) return null
  const rows = layers(data.items).map((row) => (showsAll.value ? { shown: row, rest: [] } : fold(row, job.id)))
  const canFold = showsAll.value || rows.some(({ rest }) => rest.length > 0)
  const lengths = rows.map(({ shown, rest }) => shown.length + Math.min(1, rest.length))
  const width = Math.max(...lengths) * (WIDTH + GAP_X) - GAP_X
  const height = rows.length * (HEIGHT + GAP_Y) - GAP_Y
  const places = new Map(
    rows.flatMap(({ shown, rest }, y) => {
      const indent = (width - ((lengths[y] ?? 0) * (WIDTH + GAP_X) - GAP_X)) / 2
      const placeAt = (x: number): Place => ({ x: indent + x * (WIDTH + GAP_X), y: y * (HEIGHT + GAP_Y) })
      const inOne = placeAt(shown.length)
      return [...shown.map((it, x) => [it.id, placeAt(x)] as const), ...rest.map((it) => [it.id, inOne] as const)]
    }),
  )
  const edges = new Set(
    data.items.flatMap((it) => it.after.map((parent) => lineBetween(places.get(parent), places.get(it.id)))),
  )
  return (
    <section class="card" aria-labelledby="relatives">
      <div class="card-head">
        <h2 id="relatives">Dependencies</h2>
        {canFold && (
          <button
            type="button"
            class="button quiet small"
            aria-pressed={showsAll.value}
            onClick={() => {
              showsAll.value = !showsAll.value
            }}
          >
            Show each job
          </button>
        )}
      </div>
      {canFold && (
        <p class="soft">
          {data.items.length >= MAX_TOLD && `The nearest ${data.items.length} jobs: `}
          {countStates(data.items)}
        </p>
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <section class="graph" ref={frame} tabIndex={0} aria-label="Graph">
        <svg
          style={{ minWidth: `${width * SMALLEST}px` }}
          width={width + 2}
          height={height + 2}
          viewBox={`-1 -1 ${width + 2} ${height + 2}`}
        >
          <title>{`${data.items.length} jobs`}</title>
          {[...edges].map((line) => (
            <path key={line} class="edge" d={line} />
          ))}
          {rows.flatMap(({ shown }) =>
            shown.map((it) => <Node key={it.id} relative={it} isSelf={it.id === job.id} place={places.get(it.id)} />),
          )}
          {rows.map(
            ({ rest: [one, ...others] }) =>
              one && <Rest key={one.id} relatives={[one, ...others]} place={places.get(one.id)} />,
          )}
        </svg>
      </section>
    </section>
  )
}

type Place = { x: number; y: number } | undefined

const lineBetween = (from: Place, to: Place): string => {
  if (!from || !to) return ''
  const [x1, y1, x2, y2] = [from.x + WIDTH / 2, from.y + HEIGHT, to.x + WIDTH / 2, to.y]
  const middle = (y1 + y2) / 2
  return `M${x1} ${y1} C${x1} ${middle} ${x2} ${middle} ${x2} ${y2}`
}

/** Stands for the jobs of a row that have no box of their own. */
const Rest = ({ relatives, place }: { relatives: Relative[]; place: Place }) => {
  if (!place) return null
  return (
    <g class="node" transform={`translate(${place.x} ${place.y})`}>
      <title>{countStates(relatives)}</title>
      <rect width={WIDTH} height={HEIGHT} rx="6" />
      <text x="14" y={HEIGHT / 2 + 4}>
        and {relatives.length} more
      </text>
    </g>
  )
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
        {/* HTML, because no text of SVG's ends where its box does. */}
        <foreignObject x={NAME_X} width={WIDTH - NAME_X - 8} height={HEIGHT}>
          <div style={{ lineHeight: `${HEIGHT}px` }}>{title}</div>
        </foreignObject>
      </g>
    </a>
  )
}
