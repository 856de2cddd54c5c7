import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { jobIn, runInShortestStints, runKind } from '../../tests/support/run-kind.ts'
import { parquetOf } from '../../tests/support/tables.ts'
import { temporaryFolder } from '../../tests/support/temporary-folder.ts'
import { test, type World } from '../../tests/support/world.ts'
import type { Chart, ColumnReport, Correlation } from './data/report.ts'
import { dataAnalyze } from './data-analyze.ts'

interface Report {
  format: string
  rows: number
  columns: ColumnReport[]
  correlations: Correlation[]
  charts: Chart[]
}

/** A job in a project with one file. */
const withFile = async ({ app, sql }: World, content: Buffer | string, name = 'sales.csv') => {
  const projectId = newId()
  await sql`INSERT INTO projects (id, name) VALUES (${projectId}, 'A project')`
  const uploader = jobIn(app, projectId)
  const bytes = Buffer.from(content)
  const { fileId } = await uploader.files.write({ name, contentType: 'text/csv', bytes })
  return { fileId, context: jobIn(app, projectId) }
}

const analyze = async (world: World, content: Buffer | string, options: object = {}) => {
  const { fileId, context } = await withFile(world, content)
  const { result, ...ending } = await runKind(dataAnalyze, { input: { fileId, ...options }, context })
  return { ...ending, report: result as Report, context }
}

const SALES = `city,price,sold,member
Berlin,1.5,2024-03-01,true
Berlin,2.5,2024-03-02,false
Paris,,2024-03-05,true
Berlin,4.5,,true
Wien,NA,2024-03-09,
`

test('describes every column by what it is', async ({ world }) => {
  const { report } = await analyze(world, SALES)
  expect(report).toMatchObject({ format: 'csv', rows: 5 })
  expect(report.columns).toMatchObject([
    { name: 'city', type: 'VARCHAR', role: 'text', missing: 0, distinct: 3 },
    { name: 'price', type: 'DOUBLE', role: 'number', missing: 2, distinct: 3, min: 1.5, max: 4.5 },
    { name: 'sold', type: 'DATE', role: 'time', missing: 1, distinct: 4, min: '2024-03-01T00:00:00.000Z' },
    { name: 'member', type: 'BOOLEAN', role: 'boolean', missing: 1, distinct: 2 },
  ])
  const [city, price, sold, member] = report.columns
  expect(city?.top[0]).toEqual({ value: 'Berlin', count: 3 })
  expect(member?.top).toEqual([
    { value: 'true', count: 3 },
    { value: 'false', count: 1 },
  ])
  expect(price?.mean).toBeCloseTo(8.5 / 3, 9)
  expect(price?.stddev).toBeCloseTo(1.527525, 6)
  expect(price?.quantiles?.p50).toBe(2.5)
  const counted = (column: ColumnReport | undefined) => column?.histogram?.counts.reduce((sum, it) => sum + it, 0)
  expect([counted(price), counted(sold), counted(city)]).toEqual([3, 4, undefined])
})

test('puts whole numbers into bins between them, and what lies far out beside them', async ({ world }) => {
  const values = Array.from({ length: 1_000 }, (_, index) => (index % 10) + 1)
  const { report } = await analyze(world, ['stars', ...values, 900_000, -900_000].join('\n'))
  expect(report.columns[0]?.histogram).toEqual({
    ...{ from: 1, to: 11, counts: Array(10).fill(100) },
    ...{ below: 1, above: 1 },
  })
})

test('finds what belongs together, the strongest first', async ({ world }) => {
  const lines = Array.from({ length: 200 }, (_, x) => [x, 3 * x + 1, -x + (x % 17), (x * 7919) % 211, 5].join(','))
  const { report } = await analyze(world, ['x,up,down,other,same', ...lines].join('\n'))
  expect(report.correlations[0]).toEqual({ a: 'x', b: 'up', r: 1 })
  expect(report.correlations[1]?.r).toBeLessThan(-0.99)
  // With a column that is always the same nothing correlates.
  expect(report.correlations.flatMap(({ a, b }) => [a, b])).not.toContain('same')
  expect(report.correlations).toHaveLength(6)
})

test('draws the columns and the correlations, in files that show strangers’ names as they are', async ({ world }) => {
  const names = Array.from({ length: 14 }, (_, index) => `<b>"${index} & more`)
  const quoted = names.map((name) => `"${name.replaceAll('"', '""')}"`)
  const lines = Array.from({ length: 30 }, (_, row) => names.map((_, column) => (row * (column + 3)) % 11).join(','))
  const { report, context } = await analyze(world, [quoted.join(','), ...lines].join('\n'))
  expect(report.columns.map(({ name }) => name)).toEqual(names)
  expect(report.charts.map(({ name, columns }) => [name, columns.length])).toEqual([
    ['sales-columns-1.svg', 12],
    ['sales-columns-13.svg', 2],
    ['sales-correlations.svg', 14],
  ])
  for (const { fileId, sizeBytes } of report.charts) {
    const { bytes, contentType } = await context.files.read(fileId, { maxBytes: sizeBytes })
    expect(contentType).toBe('image/svg+xml')
    expect(bytes.toString()).toContain(
      '&lt;b&gt;&quot;0 &amp; more'.replace('0', fileId === report.charts[1]?.fileId ? '12' : '0'),
    )
    const { width = 0, height = 0, format } = await sharp(bytes).metadata()
    expect([format, width > 300, height > 100]).toEqual(['svg', true, true])
  }
})

test('a long file name is not cut within a character', async ({ world }) => {
  const { fileId, context } = await withFile(world, 'a,b\n1,2\n', `${'a'.repeat(99)}😀.csv`)
  const { result } = await runKind(dataAnalyze, { input: { fileId }, context })
  expect((result as Report).charts.map(({ name }) => name)).toEqual([
    `${'a'.repeat(99)}\ufffd-columns-1.svg`,
    `${'a'.repeat(99)}\ufffd-correlations.svg`,
  ])
})

test('gives the same in as many stints as there are safe points, and no chart twice', async ({ world }) => {
  const lines = Array.from({ length: 300 }, (_, row) =>
    Array.from({ length: 15 }, (_, column) =>
      column % 5 === 0 ? (row * (column + 2)) % 97 : `t${row % (column + 2)}`,
    ),
  )
  const { fileId, context } = await withFile(world, [lines[0]?.map((_, index) => `c${index}`), ...lines].join('\n'))
  const input = { fileId }
  const whole = (await runKind(dataAnalyze, { input, context })).result as Report
  const { stints, result } = await runInShortestStints(dataAnalyze, { input, context })
  expect(stints).toBeGreaterThan(5)
  const withoutIds = ({ charts, ...report }: Report) => ({
    ...report,
    charts: charts.map(({ fileId: _, ...it }) => it),
  })
  expect(withoutIds(result as Report)).toEqual(withoutIds(whole))
  const made = await world.sql`SELECT count(*)::int AS files FROM files WHERE name LIKE '%.svg'`
  expect(made[0]).toMatchObject({ files: 2 * whole.charts.length })
})

test('shows what it has counted while it counts the rest', async ({ world }) => {
  const head = Array.from({ length: 13 }, (_, index) => `c${index}`).join(',')
  const { safePoints } = await analyze(world, `${head}\n${head.replaceAll('c', '')}\n`)
  const partials = safePoints.map(({ partial }) => partial as Report)
  expect(partials.map(({ columns }) => columns.length).slice(0, 3)).toEqual([0, 12, 13])
  expect(partials.map(({ rows }) => rows)).toEqual(partials.map(() => 1))
  const progress = safePoints.map((point) => point.progress ?? 0)
  expect(progress).toEqual(progress.toSorted((a, b) => a - b))
  expect(progress.at(-1)).toBe(1)
})

describe('a CSV', () => {
  test.for([
    ['separated by semicolons, with decimal commas', 'a;b\n1,5;x\n2,5;y\n', { decimal: 'comma' }],
    ['separated by tabs', 'a\tb\n1.5\tx, y\n2.5\tz\n', {}],
    ['separated by bars', 'a|b\n1.5|x, y\n2.5|z, w\n', {}],
    ['with a title above', 'Sales; of 2024\n\na,b\n1.5,x\n2.5,y\n', { skipLines: 2 }],
    ['with what another would not find', 'a,b\n1.5,x;y;z\n2.5,x;y;z\n', { delimiter: 'comma' }],
    ['with a byte order mark', '\ufeffa,b\n1.5,x\n2.5,y\n', {}],
    ['with line ends of Windows', 'a,b\r\n1.5,x\r\n2.5,y\r\n', {}],
    ['with commas, quotes and lines in quotes', 'a,b\n1.5,"x, ""y""\nz"\n2.5,y\n', {}],
    ['in UTF-16, as Excel writes it', Buffer.from('\ufeffa\tb\n1.5\tx\n2.5\ty\n', 'utf16le'), {}],
    ['in Latin-1', Buffer.from('a,b\n1.5,Köln\n2.5,x\n', 'latin1'), { encoding: 'latin-1' }],
    ['with other words for what is missing', 'a,b\n1.5,x\n2.5,y\n?,z\n', { missing: ['?'] }],
  ] as const)('%s', async ([, content, options], { world }) => {
    const { report } = await analyze(world, content, options)
    expect(report.columns).toMatchObject([
      { name: 'a', role: 'number', min: 1.5, max: 2.5, distinct: 2 },
      { name: 'b', role: 'text', missing: 0 },
    ])
  })

  test('cannot have the same between values and for one that is missing', async ({ world }) => {
    const analyzed = analyze(world, 'a,b\n1,2\n', { missing: [','], delimiter: 'comma' })
    await expect(analyzed).rejects.toMatchObject({ name: 'PermanentError', code: 'DATA_UNREADABLE' })
  })

  test('may have numbers of any size', async ({ world }) => {
    const { report } = await analyze(world, 'a,b\n5e-324,1e99\n1e-310,-1e99\n3e-309,9007199254740993\n')
    for (const { histogram } of report.columns) expect(histogram?.counts.reduce((sum, it) => sum + it)).toBe(3)
  })

  test('without a header gets names by place', async ({ world }) => {
    const { report } = await analyze(world, '1,2\n3,4\n', { header: false })
    expect(report).toMatchObject({ rows: 2, columns: [{ name: 'column0' }, { name: 'column1' }] })
  })

  test('is text in a column that is one only far below', async ({ world }) => {
    const { report } = await analyze(world, `a,b\n${'1,2\n'.repeat(60_000)}one,3\n`)
    expect(report.columns).toMatchObject([
      {
        role: 'text',
        top: [
          { value: '1', count: 60_000 },
          { value: 'one', count: 1 },
        ],
      },
      { role: 'number', max: 3 },
    ])
  })

  test('has all digits of what comes only far below', async ({ world }) => {
    const lines = Array.from({ length: 60_000 }, () => '1,2021-03-04,1000')
    const { report } = await analyze(world, ['a,day,id', ...lines, '2.5,2020-01-01 10:30:00,0007'].join('\n'))
    expect(report.columns).toMatchObject([
      { name: 'a', max: 2.5, distinct: 2 },
      { name: 'day', role: 'time', min: '2020-01-01T10:30:00.000Z' },
      { name: 'id', role: 'text', top: [{ value: '1000' }, { value: '0007' }] },
    ])
  })

  test('with nothing but a header has no rows', async ({ world }) => {
    const { report } = await analyze(world, 'a,b\n')
    expect(report).toMatchObject({ rows: 0, columns: [{ missing: 0, distinct: 0, top: [] }, {}], correlations: [] })
  })
})

test('a Parquet is read as it is, of whatever types', async ({ world }) => {
  const path = join(temporaryFolder(), 'a.parquet')
  const far = `CASE i WHEN 3 THEN 'infinity'::DOUBLE WHEN 4 THEN 'nan'::DOUBLE ELSE i END`
  const times = `TIMESTAMP '2024-01-01' + INTERVAL (i) HOUR AS t, CASE WHEN i = 7 THEN DATE 'infinity' ELSE DATE '2024-05-01' END`
  await parquetOf(
    `SELECT i, ${far} AS x, (i / 8)::DECIMAL(10, 3) AS d, ${times} AS day, [i] AS list, {a: i} AS "strúct", 'blob'::BLOB AS b FROM range(100) r(i)`,
    path,
  )
  const { report } = await analyze(world, await readFile(path))
  expect(report).toMatchObject({ format: 'parquet', rows: 100 })
  expect(report.columns).toMatchObject([
    { name: 'i', type: 'BIGINT', role: 'number', distinct: 100, mean: 49.5, top: [] },
    { name: 'x', type: 'DOUBLE', missing: 2, max: 99 },
    { name: 'd', type: 'DECIMAL(10,3)', role: 'number', max: 12.375 },
    { name: 't', role: 'time', min: '2024-01-01T00:00:00.000Z', max: '2024-01-05T03:00:00.000Z' },
    { name: 'day', type: 'DATE', missing: 1, distinct: 1 },
    { name: 'list', type: 'BIGINT[]', role: 'other', missing: 0, distinct: null },
    { name: 'strúct', role: 'other' },
    { name: 'b', role: 'other' },
  ])
})

describe('columns', () => {
  const wide = (count: number): string => {
    const names = Array.from({ length: count }, (_, index) => `c${index}`)
    return `${names.join(',')}\n${names.map((_, index) => index).join(',')}\n`
  }

  test('that are named are described, in that order', async ({ world }) => {
    const { report } = await analyze(world, wide(300), { columns: ['c299', 'c3'] })
    expect(report.columns).toMatchObject([
      { name: 'c299', min: 299 },
      { name: 'c3', min: 3 },
    ])
  })

  test.for([
    ['that are not there', wide(3), { columns: ['c9'] }, 'COLUMN_NOT_FOUND', 'The file has no column c9.'],
    ['that are too many to be described', wide(201), {}, 'DATA_TOO_WIDE', /201 columns: name up to 200 of them/],
    ['that are too many to be read', wide(2_001), { columns: ['c1'] }, 'DATA_TOO_WIDE', /of at most 2000/],
  ] as const)('%s are refused', async ([, content, options, code, message], { world }) => {
    await expect(analyze(world, content, options)).rejects.toMatchObject({
      ...{ name: 'PermanentError', code },
      message: expect.stringMatching(message),
    })
  })

  test('fill the result to the limit with the longest names and values, and it can be stored', async ({ world }) => {
    const names = Array.from({ length: 200 }, (_, index) => `${index}${'名'.repeat(90)}`)
    const rows = Array.from({ length: 12 }, (_, row) =>
      names.map((_, column) => `${row % 5}"${'値"'.repeat(50)}${column}`),
    )
    const quoted = (cells: string[]) => cells.map((it) => `"${it.replaceAll('"', '""')}"`).join(',')
    const { report, checkpoint } = await analyze(world, [names, ...rows].map(quoted).join('\n'))
    expect(report.columns).toHaveLength(200)
    expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThan(256 * 1024)
    expect(Buffer.byteLength(JSON.stringify(checkpoint))).toBeLessThan(1024 * 1024)
  })
})

test('over HTTP: a file that is sent to S3 becomes a report with pictures', async ({ world }) => {
  const { accessToken: token } = await world.register()
  // More than what the embedded S3 takes by itself.
  const lines = Array.from({ length: 600_000 }, (_, row) => `${row},place ${row % 9},${row % 1_000}.25`)
  const content = ['id,place,amount', ...lines].join('\n')
  const body = { name: 'big.csv', contentType: 'text/csv', sizeBytes: content.length }
  const { file, upload } = (await world.http('POST', '/files/uploads', { token, body })).body
  const sent = await fetch(upload.url, { method: upload.method, headers: upload.headers, body: content })
  expect([sent.status, content.length > 12 * 1024 * 1024]).toEqual([200, true])

  const submission = { kind: 'data.analyze', input: { fileId: file.id } }
  const { job } = (await world.http('POST', '/jobs', { token, body: submission })).body
  await world.work('compute')
  const { state, result } = (await world.http('GET', `/jobs/${job.id}`, { token })).body.job
  expect([state, result.rows, result.columns.length]).toEqual(['succeeded', 600_000, 3])
  expect(result.columns[1]).toMatchObject({ name: 'place', distinct: 9, missing: 0 })
  const { headers } = await world.http('GET', `/files/${result.charts[0].fileId}`, { token })
  expect(await (await fetch(headers['location'] ?? '')).text()).toContain('>place</text>')
})
