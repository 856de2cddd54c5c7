import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { theme } from '../data/theme.ts'
import type { Scale } from './scales.ts'

interface Series {
  label: string
  values: (number | null)[]
  /** A custom property of tokens.css. */
  colour: string
  dashed?: boolean
}

export interface ChartProps {
  /** What it shows, for people who can't see it. */
  title: string
  /** Seconds since 1970. */
  times: number[]
  series: Series[]
  scale: Scale
  /** Bars on top of each other, in place of lines. */
  stacked?: boolean
}

const HEIGHT = 200

/** Values over time. The legend shows the numbers of the moment under the pointer. */
export const Chart = ({ title, times, series, scale, stacked = false }: ChartProps) => {
  const frame = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const shape = series.map((it) => it.label).join()
  const data: uPlot.AlignedData = [times, ...(stacked ? sums(series) : series.map((it) => it.values))]

  useEffect(() => {
    const element = frame.current
    if (!element) return
    const make = (): void => {
      plot.current?.destroy()
      plot.current = new uPlot(optionsOf(element, { series, scale, stacked }), data, element)
    }
    make()
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }))
    resized.observe(element)
    // A canvas keeps the colours that it was drawn with, so it is drawn again when the theme changes.
    const dark = matchMedia('(prefers-color-scheme: dark)')
    dark.addEventListener('change', make)
    return () => {
      resized.disconnect()
      dark.removeEventListener('change', make)
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [shape, theme.value])
  useEffect(() => {
    plot.current?.setData(data)
  }, [times, series])

  return <div class="chart" ref={frame} role="img" aria-label={title} />
}

/** Each series plus those after it, so that the first one is drawn behind the others and sticks out above them. */
const sums = (series: Series[]): number[][] =>
  series.map((first, nth) =>
    first.values.map((_, at) => series.slice(nth).reduce((sum, it) => sum + (it.values[at] ?? 0), 0)),
  )

type Drawn = Pick<ChartProps, 'series' | 'scale'> & { stacked: boolean }

const optionsOf = (element: HTMLElement, { series, scale, stacked }: Drawn): uPlot.Options => {
  const colourOf = (name: string): string => resolveColour(element, name)
  const axis = {
    stroke: colourOf('--ink-faint'),
    grid: { stroke: colourOf('--line'), width: 1 },
    ticks: { show: false },
  }
  const { format, increments: incrs, floor } = scale
  const font = `12px ${getComputedStyle(element).fontFamily}`
  return {
    class: stacked ? 'bar-chart' : 'line-chart',
    width: element.clientWidth,
    height: HEIGHT,
    cursor: { y: false, points: { size: 6 } },
    legend: { live: true, markers: { dash: (_, nth) => (series[nth - 1]?.dashed ? 'dashed' : 'solid') } },
    scales: { y: { range: (_, __, max) => [0, Math.max(max * 1.1, floor)] } },
    axes: [
      { ...axis, font, grid: { show: false }, space: 70, values: (_, ticks) => clockOf(ticks) },
      {
        ...axis,
        font,
        incrs,
        size: (_, texts) => widthOf(texts),
        values: (_, ticks) => ticks.map((it) => (it === null ? '' : format(it))),
      },
    ],
    series: [
      { value: (_, at) => (at === null ? '' : new Date(at * 1_000).toTimeString().slice(0, 5)) },
      ...series.map(
        (it): uPlot.Series => ({
          label: it.label,
          stroke: colourOf(it.colour),
          width: stacked ? 0 : 1.5,
          points: { show: !stacked, size: 4, fill: colourOf(it.colour) },
          ...(stacked && { fill: colourOf(it.colour), paths: uPlot.paths.bars?.({ size: [0.75, 24] }) }),
          ...(it.dashed && { dash: [4, 4] }),
          value: (_, __, ___, at) => (at === null ? '' : shown(it.values[at], format)),
        }),
      ),
    ],
  } as uPlot.Options
}

const shown = (value: number | null | undefined, format: (value: number) => string): string =>
  value === null || value === undefined ? '–' : format(value)

const DAY_SECONDS = 86_400

/** Times of the day, and the date where a day begins or ticks are days apart. */
const clockOf = (ticks: number[]): string[] => {
  const apart = (ticks[1] ?? 0) - (ticks[0] ?? 0)
  return ticks.map((tick) => {
    const at = new Date(tick * 1_000)
    const isMidnight = at.getHours() === 0 && at.getMinutes() === 0
    if (apart >= DAY_SECONDS || isMidnight) return at.toLocaleDateString('en', { day: 'numeric', month: 'short' })
    return at.toTimeString().slice(0, 5)
  })
}

/** Room for the longest text beside an axis, in pixels; at least as much as most charts need, so that they line up. */
const widthOf = (texts: string[] | null): number => Math.max(64, ...(texts ?? []).map((it) => 14 + 7 * it.length))

/** A custom property may be `light-dark(…)`, which a canvas doesn't know. */
const resolveColour = (element: HTMLElement, name: string): string => {
  const probe = document.createElement('i')
  probe.style.color = `var(${name})`
  element.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
