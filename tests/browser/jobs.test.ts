import sharp from 'sharp'
import { expect } from 'vitest'
import { fillForm, isStillLoaded, markLoaded, progressOf, register, submit, waitForState } from './people.ts'
import { describeInBrowser, PATIENCE_MS, test } from './stage.ts'

/** Asks until it is so. */
const eventually = <T>(check: () => Promise<T> | T) => expect.poll(check, { timeout: PATIENCE_MS })

/** What each form is given, and what its job's page shows in the end. */
const FORMS: { kind: string; fields: Record<string, string>; shows: string }[] = [
  { kind: 'math.pi', fields: { 'input.digits': '60', 'input.method': 'chudnovsky' }, shows: '1415926535' },
  { kind: 'math.binomial', fields: { 'input.n': '60', 'input.k': '30' }, shows: '118264581564861424' },
  { kind: 'math.binomial-expansion', fields: { 'input.n': '3' }, shows: 'coefficient' },
  { kind: 'debug.noop', fields: { 'input.steps': '3', 'input.echo': '{"hello": ["world"]}' }, shows: '"world"' },
]

describeInBrowser('jobs in the dashboard', () => {
  test.for(FORMS)(
    '$kind is submitted by its form, and shows its result',
    async ({ kind, fields, shows }, { stage }) => {
      const { page } = await stage.open()
      await register(page)
      await fillForm(page, kind, fields)
      await submit(page)
      await waitForState(page, 'succeeded')
      await page.getByRole('region', { name: 'Result', exact: true }).getByText(shows).first().waitFor()
    },
  )

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
    const session = await (await context.request.post('/dashboard/session/refresh')).json()
    const headers = { authorization: `Bearer ${session.accessToken}` }
    await context.request.post('/device-models', { headers, data: { code: '0111', name: 'Thermometer' } })
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

  test('are found by state, text and tag, and cancelled and retried together', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    for (const echo of ['"north"', '"south"']) {
      await fillForm(page, 'debug.noop', { 'input.echo': echo })
      await page.getByText('Name, tags and when').click()
      await page.locator('[name=".tags"]').fill('stations')
      await page.locator('[name=".delaySeconds"]').fill('3600')
      await submit(page)
    }
    const rows = page.locator('tr[data-job]')
    await page.goto('/dashboard/jobs?tag=stations')
    await eventually(() => rows.count()).toBe(2)
    await page.getByLabel('Text in the input').fill('NORTH')
    await page.keyboard.press('Enter')
    await eventually(() => rows.count()).toBe(1)
    await page.getByRole('button', { name: 'Clear' }).click()
    await eventually(() => rows.count()).toBe(2)

    await page.getByLabel('Choose all of this page').check()
    await page.getByRole('button', { name: 'Cancel 2' }).click()
    await page.getByRole('button', { name: 'Retry 2' }).click()
    await eventually(() => page.locator('tr[data-job] [data-state="succeeded"]').count()).toBeGreaterThan(1)
    await page.getByRole('radio', { name: 'failed' }).check()
    await page.getByText('No job is like that.').waitFor()
  })
})
