import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { METRICS } from '../../lib/metrics/catalogue.ts'
import { metricsOf, problemsOf } from '../../tests/support/promql.ts'

interface Panel {
  id: number
  title: string
  type: string
  gridPos: { x: number; y: number; w: number; h: number }
  targets?: { expr: string }[]
}

interface Dashboard {
  uid: string
  title: string
  panels: Panel[]
  templating: { list: { name: string; type: string; definition?: string }[] }
}

const folder = new URL('dashboards/', import.meta.url)
const dashboards = readdirSync(folder).map((file) => ({
  file,
  ...(JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Dashboard),
}))
const queries = dashboards.flatMap(({ file, panels }) =>
  panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ file, title, expr }))),
)
const variables = dashboards.flatMap(({ file, templating }) =>
  templating.list.flatMap(({ name, definition }) => (definition ? [{ file, name, definition }] : [])),
)

test('there are three dashboards, each at an address that stays', () => {
  expect(dashboards.map(({ file, uid }) => [file, uid])).toEqual([
    ['jobs.json', 'stint-jobs'],
    ['queue-health.json', 'stint-queue-health'],
    ['service.json', 'stint-service'],
  ])
})

describe('a query of a dashboard reads metrics and labels that there are', () => {
  test.for(queries)('$file: $title', ({ expr }) => {
    expect(problemsOf(expr)).toEqual([])
  })

  test.for(variables)('$file: the values of $name', ({ definition }) => {
    const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(definition) ?? []
    expect(problemsOf(`sum by (${label}) (${metric})`)).toEqual([])
  })
})

test('every metric is on a dashboard', () => {
  const shown = new Set(queries.flatMap(({ expr }) => metricsOf(expr)))
  expect(Object.keys(METRICS).filter((name) => !shown.has(name))).toEqual([])
})

test.for(dashboards)('the variables in the queries of $file are its own', ({ panels, templating }) => {
  const own = templating.list.map(({ name }) => name)
  const used = panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => expr.match(/\$\w+/g) ?? []))
  expect(used.filter((name) => name !== '$__rate_interval' && !own.includes(name.slice(1)))).toEqual([])
})

test.for(dashboards)('no panel of $file lies on another', ({ panels }) => {
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`),
  )
  expect(new Set(cells).size).toBe(cells.length)
})
