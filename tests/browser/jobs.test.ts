import sharp from 'sharp'
import { expect } from 'vitest'
import { kinds } from '../../functions/jobs/index.ts'
import { fillForm, isStillLoaded, markLoaded, programOf, progressOf, register, submit, waitForState } from './people.ts'
import { describeInBrowser, PATIENCE_MS, test } from './stage.ts'

/** Asks until it is so. */
const eventually = <T>(check: () => Promise<T> | T) => expect.poll(check, { timeout: PATIENCE_MS })

/** What each form is given, and what its job's page shows in the end. */
const FORMS: { kind: string; fields: Record<string, string>; shows: string }[] = [
  { kind: 'math.pi', fields: { 'input.digits': '60', 'input.method': 'chudnovsky' }, shows: '1415926535' },
  { kind: 'math.binomial', fields: { 'input.n': '60', 'input.k': '30' }, shows: '118264581564861424' },
  { kind: 'math.binomial-expansion', fields: { 'input.n': '3' }, shows: 'coefficient' },
  {
    kind: 'mail.send',
    fields: {
      'input.to': 'ben@example.com\neve@example.com',
      'input.subject': 'Hello',
      'input.text': 'Dear Ben,\nhello.',
    },
    shows: 'eve@example.com',
  },
  { kind: 'page.parse', fields: { 'input.url': '{stack}/docs', 'input.checkLinks': '0' }, shows: '/docs' },
  { kind: 'report.build', fields: { 'input.title': 'Our week' }, shows: 'pdf' },
  { kind: 'debug.noop', fields: { 'input.steps': '3', 'input.echo': '{"hello": ["world"]}' }, shows: 'world' },
]

/** Those that take a table, the same one. */
const TABLES: { kind: string; fields: Record<string, string>; shows: string }[] = [
  { kind: 'data.analyze', fields: {}, shows: 'petal_width' },
  { kind: 'model.run', fields: { 'input.model': 'iris' }, shows: 'virginica' },
]
const TABLE = 'sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n6.3,3.3,6.0,2.5\n'

describeInBrowser('jobs in the dashboard', () => {
  test.for(FORMS)(
    '$kind is submitted by its form, and shows its result',
    async ({ kind, fields, shows }, { stage }) => {
      const { page } = await stage.open()
      await register(page)
      const given = Object.entries(fields).map(([name, value]) => [name, value.replace('{stack}', stage.stack.url)])
      await fillForm(page, kind, Object.fromEntries(given))
      await submit(page)
      await waitForState(page, 'succeeded')
      await page.getByRole('region', { name: 'Result', exact: true }).getByText(shows).first().waitFor()
    },
  )

  test.for(TABLES)(
    '$kind takes a chosen table, and shows what it found',
    async ({ kind, fields, shows }, { stage }) => {
      const { page } = await stage.open()
      await register(page)
      await fillForm(page, kind, fields)
      const table = { name: 'flowers.csv', mimeType: 'text/csv', buffer: Buffer.from(TABLE) }
      await page.locator('input[type="file"]').setInputFiles(table)
      await page.getByText('flowers.csv, ').waitFor()
      await submit(page)
      await waitForState(page, 'succeeded')
      await page.getByRole('region', { name: 'Result', exact: true }).getByText(shows).first().waitFor()
    },
  )

  test('every kind has its form tried here', () => {
    const tried = [...FORMS, ...TABLES].map(({ kind }) => kind)
    const others = ['serials.generate', 'image.resize', 'image.convert']
    expect([...tried, ...others].toSorted()).toEqual(kinds.map(({ kind }) => kind).toSorted())
  })

  test('serials.generate fails with its reason where there is no such model, and is retried when there is', async ({
    stage,
  }) => {
    const { page, context } = await stage.open()
    await register(page)
    await fillForm(page, 'serials.generate', {
      'input.deviceModelCode': '0111',
      'input.start': '1',
      'input.count': '5',
    })
    await submit(page)
    await waitForState(page, 'failed')
    await page.getByText('DEVICE_MODEL_NOT_FOUND').first().waitFor()
    await (await programOf(context)).post('/device-models', { code: '0111', name: 'Thermometer' })
    await page.getByRole('button', { name: 'Retry', exact: true }).click()
    await waitForState(page, 'succeeded')
  })

  test('image.resize takes a dropped picture, and shows the pictures that it made', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    await fillForm(page, 'image.resize', { 'input.sizes[0].width': '40', 'input.sizes[0].height': '30' })
    const create = { width: 120, height: 90, channels: 3, background: '#369' } as const
    const bytes = [...(await sharp({ create }).png().toBuffer())]
    const dropped = await page.evaluateHandle((content) => {
      const transfer = new DataTransfer()
      transfer.items.add(new File([new Uint8Array(content)], 'blue.png', { type: 'image/png' }))
      return transfer
    }, bytes)
    await page.locator('.drop').dispatchEvent('drop', { dataTransfer: dropped })
    await page.getByText('blue.png').waitFor()
    await submit(page)
    await waitForState(page, 'succeeded')
    const picture = page.getByRole('img', { name: /40 × 30/ })
    await eventually(() => picture.evaluate((it) => (it as HTMLImageElement).naturalWidth)).toBe(40)
  })

  test('image.convert takes a chosen picture, and shows what it made of it', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    await fillForm(page, 'image.convert', { 'input.format': 'webp' })
    const create = { width: 50, height: 20, channels: 3, background: '#693' } as const
    const buffer = await sharp({ create }).png().toBuffer()
    await page.locator('input[type="file"]').setInputFiles({ name: 'green.png', mimeType: 'image/png', buffer })
    await page.getByText('green.png, ').waitFor()
    await submit(page)
    await waitForState(page, 'succeeded')
    await eventually(() =>
      page.getByRole('img', { name: /50 × 20/ }).evaluate((it) => (it as HTMLImageElement).naturalWidth),
    ).toBe(50)
  })

  test('a file that is too large for a request is sent to where it stands', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    await fillForm(page, 'image.resize', {})
    const buffer = Buffer.concat([Buffer.from('GIF89a'), Buffer.alloc(5 * 1024 * 1024)])
    await page.locator('input[type="file"]').setInputFiles({ name: 'large.gif', mimeType: 'image/gif', buffer })
    await page.getByText('large.gif, 5 MiB').waitFor()
  })

  test('what the API refuses is said at the field, which gets the focus', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    await fillForm(page, 'math.pi', { 'input.digits': '0' })
    await page.getByRole('button', { name: 'Submit', exact: true }).click()
    const field = page.locator('[name="input.digits"]')
    await eventually(() => field.getAttribute('aria-invalid')).toBe('true')
    await page.getByText('expected number to be >=1').waitFor()
    await eventually(() => field.evaluate((it) => it === document.activeElement)).toBe(true)
  })

  test('the form is shown as code that says the same', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    await fillForm(page, 'debug.noop', { 'input.echo': '"it\'s"' })
    const code = page.getByRole('region', { name: 'As code' })
    expect(await code.locator('pre').textContent()).toContain(String.raw`"echo": "it'\''s"`)
    await code.getByRole('button', { name: 'TypeScript' }).click()
    expect(await code.locator('pre').textContent()).toContain(`echo: "it's"`)
  })

  test('progress moves without a reload; a cancel stops it; a retry goes on; run again begins with its input', async ({
    stage,
  }) => {
    const { page } = await stage.open()
    await register(page)
    await fillForm(page, 'debug.noop', { 'input.steps': '400', 'input.stepMs': '100' })
    const id = await submit(page)
    await markLoaded(page)
    await waitForState(page, 'running')
    await eventually(() => progressOf(page)).toBeGreaterThan(0)
    const before = await progressOf(page)
    await eventually(() => progressOf(page)).toBeGreaterThan(before)

    await page.getByRole('button', { name: 'Cancel' }).click()
    await waitForState(page, 'cancelled')
    const stopped = await progressOf(page)
    await page.getByRole('button', { name: 'Retry', exact: true }).click()
    await waitForState(page, 'running')
    expect(await progressOf(page)).toBeGreaterThanOrEqual(stopped)
    await page.getByRole('button', { name: 'Cancel' }).click()
    await waitForState(page, 'cancelled')
    expect(await isStillLoaded(page)).toBe(true)

    await page.getByRole('link', { name: 'Run again' }).click()
    await eventually(() => page.locator('[name="input.steps"]').inputValue()).toBe('400')
    await page.locator('[name="input.steps"]').fill('1')
    expect(await submit(page)).not.toBe(id)
    await waitForState(page, 'succeeded')
  })

  test('show the end of a long log, and its first lines no more', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    const createdAt = new Date().toISOString()
    await page.route('**/jobs/*/logs?*', async (route) => {
      const after = Number(new URL(route.request().url()).searchParams.get('cursor') ?? 0)
      const items = Array.from({ length: 100 }, (_, nth) => after + nth + 1).map((id) => ({
        id,
        stint: 1,
        level: 'info',
        message: `line ${id}`,
        data: null,
        createdAt,
      }))
      await route.fulfill({ json: { items, nextCursor: after < 2_400 ? String(after + 100) : null } })
    })
    await fillForm(page, 'debug.noop', {})
    await submit(page)
    await page.getByText('line 2500', { exact: true }).waitFor()
    await page.getByText('These are the latest lines').waitFor()
    expect(await page.locator('.log li').count()).toBe(2_000)
    expect(await page.getByText('line 500', { exact: true }).count()).toBe(0)
  })
})
