import { describe, expect } from 'vitest'
import { firstIdAt, newId } from '../../lib/core/ids.ts'
import { jobIn, runInShortestStints, runKind } from '../../tests/support/run-kind.ts'
import { test, type World } from '../../tests/support/world.ts'
import { bucketsOf } from './report/period.ts'
import { reportBuild } from './report-build.ts'

const PERIOD = { from: '2026-03-02T00:00:00Z', to: '2026-03-06T12:00:00Z' }

interface Row {
  at: string
  kind?: string
  state?: string
  runMs?: number
  waitMs?: number
  name?: string
  code?: string
}

/** Jobs as they would have been submitted then; their ids tell the time, as ids do. */
const addJobs = async ({ sql }: World, projectId: string, rows: Row[]) => {
  for (const [
    index,
    { at, kind = 'math.pi', state = 'succeeded', runMs = 500, waitMs = 20, name, code },
  ] of rows.entries()) {
    const id = firstIdAt(Date.parse(at)).replace(/0{12}$/, String(index).padStart(12, '0'))
    const started = new Date(Date.parse(at) + waitMs).toISOString()
    await sql`
      INSERT INTO jobs (id, project_id, queued_at, start_at, started_at, state, kind, queue, run_ms, stint, name, error,
                        timeout_seconds, max_attempts, input)
      VALUES (${id}, ${projectId}, ${at}, ${at}, ${state === 'queued' ? null : started}, ${state}, ${kind}, 'default',
              ${runMs}, 1, ${name ?? null}, ${code ? sql.json({ code, message: 'no' }) : null}, 60, 3, '{}')`
  }
}

const makeProject = async ({ app, sql }: World) => {
  const projectId = newId()
  await sql`INSERT INTO projects (id, name) VALUES (${projectId}, 'A project')`
  return { projectId, context: jobIn(app, projectId) }
}

interface Result {
  counts: Record<string, number>
  files: { format: string; fileId: string }[]
}

const filesOf = async (context: ReturnType<typeof jobIn>, { files }: Result) =>
  Object.fromEntries(
    await Promise.all(
      files.map(async ({ format, fileId }) => [format, await context.files.read(fileId, { maxBytes: 1e7 })] as const),
    ),
  )

const build = async (context: ReturnType<typeof jobIn>, input: object = PERIOD) => {
  const result = (await runKind(reportBuild, { input, context })).result as Result
  return { result, files: await filesOf(context, result) }
}

const SOME: Row[] = [
  { at: '2026-03-02T00:00:00Z' },
  { at: '2026-03-02T23:59:59.999Z', runMs: 90_000, name: 'the long one' },
  { at: '2026-03-04T10:00:00Z', kind: 'image.resize', state: 'failed', code: 'IMAGE_UNREADABLE' },
  { at: '2026-03-04T11:00:00Z', kind: 'image.resize', state: 'cancelled' },
  { at: '2026-03-06T11:59:00Z', kind: 'image.resize', state: 'queued', runMs: 0 },
]

describe('a report', () => {
  test('counts the jobs of its project and its time, and no others', async ({ world }) => {
    const { projectId, context } = await makeProject(world)
    await addJobs(world, projectId, SOME)
    const outside = [{ at: '2026-03-01T23:59:59.999Z' }, { at: PERIOD.to }]
    await addJobs(world, projectId, outside)
    await addJobs(world, newId(), [{ at: '2026-03-03T00:00:00.001Z' }])
    const { result, files } = await build(context)
    expect(result.counts).toEqual({ jobs: 5, succeeded: 2, failed: 1, cancelled: 1, notEnded: 1 })
    expect(files['csv']?.bytes.toString()).toBe(
      [
        'day,kind,state,jobs,running_seconds',
        '2026-03-02,math.pi,succeeded,2,90.5',
        '2026-03-04,image.resize,cancelled,1,0.5',
        '2026-03-04,image.resize,failed,1,0.5',
        '2026-03-06,image.resize,queued,1,0',
        '',
      ].join('\r\n'),
    )
  })

  test('comes as HTML, CSV and PDF, each under its type and name', async ({ world }) => {
    const { projectId, context } = await makeProject(world)
    await addJobs(world, projectId, SOME)
    const { files } = await build(context)
    const named = Object.values(files).map(({ name, contentType }) => [name, contentType])
    expect(named).toEqual([
      ['report-2026-03-06.html', 'text/html'],
      ['report-2026-03-06.csv', 'text/csv'],
      ['report-2026-03-06.pdf', 'application/pdf'],
    ])
    const page = files['html']?.bytes.toString() ?? ''
    for (const text of [
      'Activity',
      '2026-03-02 00:00 to 2026-03-06 12:00 (UTC)',
      'IMAGE_UNREADABLE',
      'the long one',
      '1.5 min',
    ])
      expect(page).toContain(text)
    expect(files['pdf']?.bytes.subarray(0, 5).toString()).toBe('%PDF-')
  })

  test('is by the hour for up to three days, and begins its days by the clock that was asked for', async ({
    world,
  }) => {
    const { projectId, context } = await makeProject(world)
    await addJobs(world, projectId, [{ at: '2026-03-02T23:30:00Z' }])
    const berlin = { ...PERIOD, timeZone: 'Europe/Berlin', formats: ['csv'] }
    expect((await build(context, berlin)).files['csv']?.bytes.toString()).toContain('\r\n2026-03-03,math.pi')
    const short = { from: '2026-03-02T00:00:00Z', to: '2026-03-03T00:00:00Z', formats: ['csv'] }
    expect((await build(context, short)).files['csv']?.bytes.toString()).toContain('hour,')
    expect((await build(context, short)).files['csv']?.bytes.toString()).toContain('\r\n2026-03-02 23:00,math.pi')
  })

  test.for([
    ['+05:30', '2026-07-02 17:00'],
    ['+0530', '2026-07-02 17:00'],
    ['-08', '2026-07-02 04:00'],
    ['CET', '2026-07-02 14:00'],
    ['Asia/Kathmandu', '2026-07-02 17:00'],
  ] as const)('has in its table the hours of its chart, by the clock of %s', async ([timeZone, hour], { world }) => {
    const { projectId, context } = await makeProject(world)
    await addJobs(world, projectId, [{ at: '2026-07-02T12:10:00Z' }])
    const period = { from: '2026-07-02T12:00:00Z', to: '2026-07-02T12:20:00Z' }
    const { files } = await build(context, { ...period, timeZone, formats: ['csv', 'html'] })
    expect(files['csv']?.bytes.toString()).toContain(`\r\n${hour},math.pi,succeeded,1,`)
    expect(files['html']?.bytes.toString()).toContain(`<title>${hour.slice(11)}: 1 succeeded</title>`)
  })

  test('comes to the same through as many stints as there are safe points', async ({ world }) => {
    const { projectId, context } = await makeProject(world)
    await addJobs(world, projectId, SOME)
    const whole = await build(context)
    const { stints, result } = await runInShortestStints(reportBuild, { input: PERIOD, context })
    // Five days, of which one is half, and three files.
    expect(stints).toBe(5 + 3 + 1)
    expect((result as Result).counts).toEqual(whole.result.counts)
    const files = await filesOf(context, result as Result)
    for (const format of ['html', 'csv'])
      expect(files[format]?.bytes.toString()).toBe(whole.files[format]?.bytes.toString())
    expect(await world.sql`SELECT id FROM files WHERE job_id = ${context.job.id}`).toHaveLength(6)
  })

  test('shows what it has counted so far', async ({ world }) => {
    const { projectId, context } = await makeProject(world)
    await addJobs(world, projectId, SOME)
    const { safePoints } = await runKind(reportBuild, { input: { ...PERIOD, formats: ['csv'] }, context })
    expect(safePoints[0]).toMatchObject({
      progress: 1 / 6,
      partial: { until: '2026-03-03T00:00:00.000Z', counts: { jobs: 2 } },
    })
    expect(safePoints.at(-1)).toMatchObject({ progress: 1, durable: true })
  })

  test('of a time without jobs says so', async ({ world }) => {
    const { context } = await makeProject(world)
    const { files } = await build(context)
    expect(files['html']?.bytes.toString()).toContain('No job was submitted in this time.')
    expect(files['pdf']?.bytes.length).toBeGreaterThan(500)
  })

  test('is about the last seven days if nobody says otherwise', async ({ world }) => {
    const { projectId, context } = await makeProject(world)
    await addJobs(world, projectId, [{ at: new Date(Date.now() - 86_400_000).toISOString() }])
    expect((await build(context, {})).result.counts).toMatchObject({ jobs: 1 })
  })

  test('runs no script, loads nothing, and takes no name for markup', async ({ world }) => {
    const { projectId, context } = await makeProject(world)
    const hostile = '<script>alert(1)</script><img src=x onerror=alert(1)>"\'&'
    await addJobs(world, projectId, [{ ...(SOME[1] as Row), name: hostile }])
    const { files } = await build(context, { ...PERIOD, title: hostile })
    const page = files['html']?.bytes.toString() ?? ''
    expect(page).not.toMatch(/<script|<img|<link|<iframe|url\(|@import|<[^>]+ (src|href)=/i)
    expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;')
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'"`)
  })

  test('of a very busy day counts it in parts, each job once', async ({ world }) => {
    const { projectId, context } = await makeProject(world)
    await world.sql`
      INSERT INTO jobs (id, project_id, queued_at, state, kind, queue, run_ms, timeout_seconds, max_attempts, input)
      SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(nth), 12, '0'))::uuid,
        ${projectId}, at, 'succeeded', 'some.kind', 'default', 1000, 60, 3, '{}'
      FROM generate_series('2026-03-02'::timestamptz, '2026-03-02 00:00:08.999', '1 millisecond') AS at, generate_series(1, 5) AS nth`
    const input = { ...PERIOD, formats: ['csv'] }
    const { safePoints, result } = await runKind(reportBuild, { input, context })
    expect((result as Result).counts['jobs']).toBe(45_000)
    const counted = safePoints.map(({ partial }) => (partial as { counts: { jobs: number } }).counts.jobs)
    expect(counted.slice(0, 4)).toEqual([20_000, 40_000, 45_000, 45_000])
    const progress = safePoints.map((it) => it.progress ?? 0)
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
  })

  test('of ninety busy days has a checkpoint that can be stored', async ({ world }) => {
    const { projectId, context } = await makeProject(world)
    await world.sql`
      INSERT INTO jobs (id, project_id, queued_at, started_at, state, kind, queue, run_ms, timeout_seconds, max_attempts, input)
      SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '70008000' || lpad(to_hex(kind * 10 + state), 12, '0'))::uuid,
        ${projectId}, at, at, (ARRAY['succeeded', 'failed', 'cancelled', 'queued', 'blocked'])[state], 'some.kind-' || kind,
        'default', 1000, 60, 3, '{}'
      FROM generate_series('2026-01-01'::timestamptz, '2026-03-31', '1 day') AS at, generate_series(1, 14) AS kind,
        generate_series(1, 5) AS state`
    const input = { from: '2026-01-01T00:00:00Z', to: '2026-04-01T00:00:00Z' }
    const { safePoints, result } = await runKind(reportBuild, { input, context })
    expect((result as Result).counts['jobs']).toBe(90 * 14 * 5)
    expect(JSON.stringify(safePoints.at(-1)?.checkpoint).length).toBeLessThan(1_000_000)
  })
})

test('days are those of the clock on the wall, also when it is put forward', () => {
  const period = {
    timeZone: 'Europe/Berlin',
    from: new Date('2026-03-28T23:00:00Z'),
    to: new Date('2026-03-30T22:00:00Z'),
  }
  expect(bucketsOf({ ...period, unit: 'day' })).toEqual(['2026-03-29', '2026-03-30'])
  const hours = bucketsOf({ ...period, unit: 'hour' })
  expect(hours).toHaveLength(47)
  expect(hours).not.toContain('2026-03-29 02:00')
})

test('the last day is one also when it is only minutes old', () => {
  const period = { timeZone: 'UTC', from: new Date('2026-03-01T00:05:00Z'), to: new Date('2026-03-03T00:05:00Z') }
  expect(bucketsOf({ ...period, unit: 'day' })).toEqual(['2026-03-01', '2026-03-02', '2026-03-03'])
})

test.for<[object, string]>([
  [{ from: 'yesterday' }, 'from'],
  [{ from: '2026-03-02T00:00:00Z', to: '2026-03-02T00:00:00Z' }, 'to'],
  [{ from: '2026-03-02T00:00:00+02:00', to: '2026-03-01T22:00:00Z' }, 'to'],
  [{ from: '2025-01-01T00:00:00Z', to: '2026-03-01T00:00:00Z' }, 'from'],
  [{ timeZone: 'Mars/Olympus' }, 'timeZone'],
  [{ formats: [] }, 'formats'],
  [{ formats: ['pdf', 'pdf'] }, 'formats'],
  [{ formats: ['docx'] }, 'formats.0'],
  [{ title: '' }, 'title'],
  [{ projectId: newId() }, ''],
])('refuses %j and names the field', ([input, path]) => {
  expect(reportBuild.input.safeParse(input).error?.issues[0]?.path.join('.')).toBe(path)
})
