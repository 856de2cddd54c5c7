import sharp from 'sharp'
import { expect } from 'vitest'
import { kinds } from '../../functions/jobs/index.ts'
import { complaints } from './accessible.ts'
import {
  fillForm,
  isStillLoaded,
  markLoaded,
  PASSWORD,
  programOf,
  progressOf,
  register,
  submit,
  waitForState,
} from './people.ts'
import { describeInBrowser, PATIENCE_MS, type Stage, test } from './stage.ts'

/** Asks until it is so. */
const eventually = <T>(check: () => Promise<T> | T) => expect.poll(check, { timeout: PATIENCE_MS })

/** A page of somebody who has submitted two jobs, one after the other. */
const submitTwo = async (stage: Stage) => {
  const { page } = await stage.open()
  await register(page)
  const submitOne = async (): Promise<string> => {
    await fillForm(page, 'debug.noop', { 'input.steps': '1' })
    return submit(page)
  }
  return { page, parent: await submitOne(), id: await submitOne() }
}

/** What each form is given, and what its job's page shows in the end. */
const FORMS: { kind: string; fields: Record<string, string>; shows: string }[] = [
  { kind: 'math.pi', fields: { 'input.digits': '60', 'input.method': 'chudnovsky' }, shows: '1415926535' },
  { kind: 'math.binomial', fields: { 'input.n': '60', 'input.k': '30' }, shows: '118264581564861424' },
  { kind: 'math.binomial-expansion', fields: { 'input.n': '3' }, shows: 'coefficient' },
  {
    kind: 'mail.send',
    fields: {
      'input.to': 'ben@example.com\neve@example.com\n',
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

  test('the stack of an error lies folded below it, and breaks no phone', async ({ stage }) => {
    const { page, context } = await stage.open({ viewport: { width: 360, height: 740 } })
    await register(page)
    const { job } = await (await programOf(context)).post('/jobs', { kind: 'report.build', input: {} })
    const stack = `TypeError: no map\n${`    at ${'veryLongName'.repeat(20)} (lib/jobs/a.ts:1:2)\n`.repeat(20)}`
    await page.route(
      ({ pathname }) => pathname === `/jobs/${job.id}`,
      async (route) => {
        const response = await route.fetch()
        const body = await response.json()
        await route.fulfill({ response, json: { job: { ...body.job, stack } } })
      },
    )
    await page.goto(`/dashboard/jobs/${job.id}`)
    const status = page.getByRole('region', { name: 'Status' })
    await status.getByText('Stack', { exact: true }).waitFor()
    expect(await status.locator('pre').isVisible()).toBe(false)
    await status.getByText('Stack', { exact: true }).click()
    await eventually(() => status.locator('pre').textContent()).toBe(stack)
    expect(await status.locator('pre').isVisible()).toBe(true)
    expect(await complaints(page)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)).toBeLessThanOrEqual(0)
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

  test('what is filled in while a file is uploaded stays', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    await fillForm(page, 'image.convert', {})
    const filledIn = Promise.withResolvers<void>()
    await page.route(/\/files\?/, async (route) => {
      await filledIn.promise
      await route.continue()
    })
    const picture = { name: 'small.png', mimeType: 'image/png', buffer: Buffer.from('a') }
    await page.locator('input[type="file"]').setInputFiles(picture)
    await page.locator('[name="input.format"]').selectOption('webp')
    filledIn.resolve()
    await page.getByText('small.png, 1 B').waitFor()
    expect(await page.locator('[name="input.format"]').inputValue()).toBe('webp')
  })

  test('where the browser has no clipboard, who wants to copy is told', async ({ stage }) => {
    const { page } = await stage.open()
    await page.addInitScript(() => Object.defineProperty(navigator, 'clipboard', { value: undefined }))
    await register(page)
    await page.goto(`${stage.stack.url}/dashboard/new?kind=debug.noop`)
    await page.getByRole('button', { name: 'Copy' }).click()
    await page.getByRole('button', { name: 'Can’t copy here' }).waitFor()
  })

  test('a file is taken by a new address, long after its page was opened', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    // What the page was given first has run out by now.
    const expired = { url: 'http://127.0.0.1:1/expired', expiresInSeconds: 300 }
    await page.route('**/files/*/url', (route) => route.fulfill({ json: expired }), { times: 1 })
    await fillForm(page, 'math.binomial-expansion', { 'input.n': '2000' })
    await submit(page)
    await waitForState(page, 'succeeded')
    const [download] = await Promise.all([
      page.waitForEvent('download', { timeout: PATIENCE_MS }),
      page.getByRole('link', { name: 'binomial-expansion-2000.csv' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('binomial-expansion-2000.csv')
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
    await eventually(() => code.locator('pre').textContent()).toContain(String.raw`"echo": "it'\''s"`)
    await code.getByRole('button', { name: 'TypeScript' }).click()
    await eventually(() => code.locator('pre').textContent()).toContain(`echo: "it's"`)
  })

  test('the code stands right below the form where there is no room beside it', async ({ stage }) => {
    const { page } = await stage.open({ viewport: { width: 1_280, height: 900 } })
    await register(page)
    await fillForm(page, 'math.pi', {})
    const form = await page.getByRole('form', { name: 'math.pi' }).boundingBox()
    const code = await page.getByRole('region', { name: 'As code' }).boundingBox()
    const between = (code?.y ?? 0) - (form?.y ?? 0) - (form?.height ?? 0)
    expect(between).toBeGreaterThan(0)
    expect(between).toBeLessThan(50)
  })

  test('what stands in the form outlives a reload and the end of the session, and is for nobody else', async ({
    stage,
  }) => {
    const { page, context } = await stage.open()
    const email = await register(page)
    const { project } = await (await programOf(context)).post('/projects', { name: 'Stations' })
    await page.goto('/')
    await page.locator('.project-choice select').selectOption(project.id)
    await fillForm(page, 'math.pi', {})
    await page.getByRole('radio', { name: /^debug\.noop/ }).check()
    const echo = page.locator('[name="input.echo"]')
    await echo.fill('{"hello": ["world"]}')
    await page.getByText('Name, tags and timing').click()
    const name = page.locator('[name="name"]')
    await name.fill('Kept')
    await page.reload()
    await eventually(async () => JSON.parse(await echo.inputValue())).toEqual({ hello: ['world'] })
    expect(await name.inputValue()).toBe('Kept')

    await context.clearCookies()
    const spent = { status: 401, contentType: 'application/problem+json', body: '{"code": "UNAUTHENTICATED"}' }
    await page.route('**/jobs', (route) => route.fulfill(spent))
    await page.getByRole('button', { name: 'Submit', exact: true }).click()
    await page.getByText('Your session has ended').waitFor()
    await page.getByLabel('Email').fill(email)
    await page.getByLabel('Password').fill(PASSWORD)
    await page.unroute('**/jobs')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await eventually(() => name.inputValue()).toBe('Kept')
    // The job still goes where it was to go.
    const chosen = page.locator('.project-choice select')
    await eventually(() => chosen.inputValue()).toBe(project.id)

    await context.clearCookies()
    const bob = { email: `bob-${email}`, password: PASSWORD, name: 'Bob' }
    await context.request.post('/dashboard/session/registration', { data: bob })
    await page.reload()
    await page.getByRole('link', { name: 'Bob' }).waitFor()
    await eventually(() => echo.inputValue()).toBe('')
    expect(await chosen.inputValue()).toBe('')
    await eventually(() => page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain('Kept')
  })

  test('some of a few are chosen by their boxes, which begin with the default', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    await fillForm(page, 'report.build', {})
    const formats = page.getByRole('group', { name: /^Formats/ })
    expect(await formats.getByRole('checkbox', { checked: true }).count()).toBe(3)
    await formats.getByLabel('html').uncheck()
    await formats.getByLabel('csv').uncheck()
    expect(await complaints(page)).toEqual([])
    const { job } = await (await programOf(context)).get(`/jobs/${await submit(page)}`)
    expect(job.input.formats).toEqual(['pdf'])
  })

  test('a kind that there is not is said not to be there', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    await page.goto('/dashboard/new?kind=math.pie')
    await page.getByText('There is no kind math.pie.').waitFor()
    await page
      .getByRole('radio', { name: /^math\.pi/ })
      .first()
      .check()
    await page.getByRole('form', { name: 'math.pi' }).waitFor()
    expect(await page.getByText('There is no kind').count()).toBe(0)
  })

  test('one of many kinds is found by what is typed, and stays chosen', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    await page.route('**/job-kinds', async (route) => {
      const answer = await route.fetch()
      const { items } = await answer.json()
      const more = Array.from({ length: 30 }, (_, nth) => ({ ...items[0], kind: `more.kinds-${nth}` }))
      await route.fulfill({ response: answer, json: { items: [...items, ...more] } })
    })
    await page.goto('/dashboard/new?kind=math.pi')
    await page.getByLabel('Find a kind').fill('KINDS-2')
    const names = () => page.getByRole('radio').evaluateAll((all) => all.map((it) => it.getAttribute('value')))
    await expect.poll(names, { timeout: PATIENCE_MS }).toHaveLength(12)
    expect(await names()).toEqual([
      'math.pi',
      'more.kinds-2',
      ...Array.from({ length: 10 }, (_, n) => `more.kinds-2${n}`),
    ])
    await page.getByRole('radio', { name: 'more.kinds-29' }).check()
    await page.getByRole('form', { name: 'more.kinds-29' }).waitFor()
    expect(await page.getByLabel('Find a kind').inputValue()).toBe('KINDS-2')
    expect(await names()).not.toContain('math.pi')
    expect(await complaints(page)).toEqual([])
  })

  test('a form that was sent begins anew, however soon after', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    await fillForm(page, 'debug.noop', { 'input.echo': '"once"' })
    await page.evaluate(() => {
      const pushState = history.pushState.bind(history)
      history.pushState = (...args) => {
        Object.assign(globalThis, { keptThen: JSON.stringify(sessionStorage) })
        pushState(...args)
      }
    })
    await submit(page)
    const keptThen = await page.evaluate(() => (globalThis as { keptThen?: string }).keptThen)
    expect(keptThen).toBeDefined()
    expect(keptThen).not.toContain('once')
  })

  test('a form that one has left begins anew', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    await fillForm(page, 'math.pi', { 'input.digits': '60' })
    await page.getByRole('link', { name: 'Queues' }).click()
    await page.getByRole('heading', { name: 'Queues' }).waitFor()
    await page.goBack()
    await eventually(() => page.locator('[name="input.digits"]').inputValue()).toBe('')
  })

  test('progress moves without a reload; a cancel stops it; a retry goes on; run again begins with its input', async ({
    stage,
  }) => {
    const { page } = await stage.open()
    await register(page)
    await fillForm(page, 'debug.noop', { 'input.steps': '4000', 'input.stepMs': '100' })
    const id = await submit(page)
    await markLoaded(page)
    await waitForState(page, 'running')
    await eventually(() => progressOf(page)).toBeGreaterThan(0)
    const before = await progressOf(page)
    await eventually(() => progressOf(page)).toBeGreaterThan(before)
    const ran = page.getByRole('region', { name: 'Facts' }).getByText(/ of 1 h$/)
    expect(await ran.textContent()).not.toMatch(/^0 ms/)

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
    await eventually(() => page.locator('[name="input.steps"]').inputValue()).toBe('4000')
    await page.locator('[name="input.steps"]').fill('1')
    expect(await submit(page)).not.toBe(id)
    await waitForState(page, 'succeeded')
  })

  test('one that has ended is deleted by whoever is sure, and Back does not lead there', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    await fillForm(page, 'debug.noop', { 'input.steps': '1' })
    const id = await submit(page)
    await waitForState(page, 'succeeded')
    const button = page.getByRole('button', { name: 'Delete', exact: true })
    await button.click()
    await page.getByRole('button', { name: 'Leave it' }).click()
    // It goes away by itself, so it is waited for before it comes.
    const told = page.getByText('Job deleted.', { exact: true }).waitFor()
    // Its events go to Kafka first; until then it is refused.
    await eventually(async () => {
      const answer = page.waitForResponse((response) => response.request().method() === 'DELETE')
      await button.click()
      await page.getByRole('button', { name: 'Delete it' }).click()
      return (await answer).ok()
    }).toBe(true)
    await told
    await page.getByText('No jobs yet.').waitFor()
    await page.goBack()
    expect(page.url()).not.toContain(id)
  })

  test('one that is delayed starts now when somebody says so', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    const delayed = { kind: 'debug.noop', input: {}, delaySeconds: 3_600 }
    const { job } = await (await programOf(context)).post('/jobs', delayed)
    await page.goto(`/dashboard/jobs/${job.id}`)
    await page.getByText(/^It is due in /).waitFor()
    const button = page.getByRole('button', { name: 'Start now' })
    await button.click()
    await waitForState(page, 'succeeded')
    expect(await button.count()).toBe(0)
  })

  test('show many stints in a list that is scrolled by keyboard too', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    const at = new Date().toISOString()
    const stint = {
      attempt: 1,
      worker: null,
      startedAt: at,
      endedAt: at,
      runMs: 1,
      outcome: 'continued',
      error: null,
      stack: null,
    }
    const items = Array.from({ length: 30 }, (_, nth) => ({ ...stint, stint: nth + 1 }))
    await page.route('**/jobs/*/stints?*', (route) => route.fulfill({ json: { items, nextCursor: null } }))
    await fillForm(page, 'debug.noop', {})
    await submit(page)
    await waitForState(page, 'succeeded')
    await page.locator('.stints li').nth(29).waitFor({ state: 'attached' })
    expect(await complaints(page)).toEqual([])
  })

  test('show a long text in a frame that is scrolled by keyboard too, with the stints in sight below it', async ({
    stage,
  }) => {
    const { page, context } = await stage.open()
    await register(page)
    const echo = 'a line of many\n'.repeat(2_000)
    const { job } = await (await programOf(context)).post('/jobs', { kind: 'debug.noop', input: { echo } })
    await page.goto(`/dashboard/jobs/${job.id}`)
    const text = page.getByLabel('Result', { exact: true }).getByText('a line of many')
    await text.focus()
    await page.keyboard.press('End')
    await eventually(() => text.evaluate((it) => it.scrollTop)).toBeGreaterThan(0)
    expect((await text.boundingBox())?.height).toBeLessThan(500)
  })

  test('goes to the chosen project, however late the list of them comes', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    const { project } = await (await programOf(context)).post('/projects', { name: 'Stations' })
    await page.goto('/')
    await page.locator('.project-choice select').selectOption(project.id)
    const held = Promise.withResolvers<void>()
    await page.route(/\/projects(\?|$)/, async (route) => {
      await held.promise
      await route.continue()
    })
    const kinds = page.waitForResponse('**/job-kinds')
    await page.goto('/dashboard/new?kind=debug.noop')
    await (await kinds).finished()
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 100)))
    expect(await page.locator('.job-form').count()).toBe(0)
    held.resolve()
    await submit(page)
    await page.getByRole('region', { name: 'Facts' }).getByText('Stations').waitFor()
  })

  test('lead from a job to the one that submitted it', async ({ stage }) => {
    const { page, parent, id } = await submitTwo(stage)
    await page.route(`**/jobs/${id}`, async (route) => {
      if (route.request().resourceType() === 'document') return route.continue()
      const response = await route.fetch()
      const { job } = await response.json()
      await route.fulfill({ response, json: { job: { ...job, submittedBy: parent } } })
    })
    await page.reload()
    await page
      .getByRole('region', { name: 'Facts' })
      .getByRole('link', { name: parent.slice(-12) })
      .click()
    await page.waitForURL(`**/jobs/${parent}`)
  })

  test('say until when a job must have started, if it was submitted so', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    await fillForm(page, 'debug.noop', { 'input.steps': '1' })
    await page.getByText('Name, tags and timing').click()
    await page.locator('[name="delaySeconds"]').fill('3600')
    await page.locator('[name="expiresInSeconds"]').fill('7200')
    await submit(page)
    await page.getByRole('region', { name: 'Facts' }).getByText('Expires').waitFor()
  })

  test('say when it was, in the zone of who looks, without a pointer', async ({ stage }) => {
    const { page, context } = await stage.open({ timezoneId: 'Asia/Tokyo' })
    await register(page)
    const { job } = await (await programOf(context)).post('/jobs', { kind: 'debug.noop', input: {} })
    await page.goto(`/dashboard/jobs/${job.id}`)
    const facts = page.getByRole('region', { name: 'Facts' })
    const told = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'long', timeZone: 'Asia/Tokyo' })
    await facts
      .getByText(told.format(new Date(job.queuedAt)), { exact: true })
      .first()
      .waitFor()
    expect(await complaints(page)).toEqual([])
  })

  test('lead from a job to those that it submitted, as a filter that can be taken away', async ({ stage }) => {
    const { page, parent, id } = await submitTwo(stage)
    const asked = `submittedBy=${parent}`
    await page.route('**/jobs?*', async (route) => {
      const url = route.request().url()
      if (route.request().resourceType() === 'document' || !url.includes(asked)) return route.continue()
      const response = await route.fetch({ url: url.replace(asked, 'kind=debug.noop') })
      const { items } = await response.json()
      const own = items.filter((job: { id: string }) => job.id === id)
      await route.fulfill({ response, json: { items: own, nextCursor: null } })
    })
    await page.goto(`/dashboard/jobs/${parent}`)
    await page.getByRole('region', { name: 'Facts' }).getByRole('link', { name: '1 job' }).click()
    await page.waitForURL(`**/jobs?${asked}`)
    await eventually(() => page.locator('tr[data-job]').count()).toBe(1)
    await page.getByRole('search').getByText('Submitted by').waitFor()
    await page.getByRole('button', { name: 'Remove' }).click()
    await eventually(() => page.locator('tr[data-job]').count()).toBe(2)
  })

  test('show the end of a long log by one request, and earlier lines on demand, where one reads', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    const createdAt = new Date().toISOString()
    const asked: string[] = []
    await page.route('**/jobs/*/logs?*', async (route) => {
      const { searchParams } = new URL(route.request().url())
      asked.push(searchParams.get('cursor') ?? '')
      const before = Number(searchParams.get('cursor') ?? 100_001)
      const items = Array.from({ length: Math.min(100, before - 1) }, (_, nth) => before - 1 - nth).map((id) => ({
        id,
        stint: 1,
        level: 'info',
        message: `line ${id}`,
        data: null,
        createdAt,
      }))
      const oldest = items.at(-1)?.id ?? 1
      await route.fulfill({ json: { items, nextCursor: oldest > 1 ? `${oldest}` : null } })
    })
    await fillForm(page, 'debug.noop', {})
    await submit(page)
    await waitForState(page, 'succeeded')
    const line = (nth: number) => page.getByText(`line ${nth}`, { exact: true })
    await line(100_000).waitFor()
    expect(new Set(asked)).toEqual(new Set(['']))
    const log = page.locator('.log')
    await log.evaluate((it) => it.scrollTo(0, 0))
    const topOf = () =>
      log.evaluate((it) => {
        const seen = [...it.querySelectorAll('li')].find(({ textContent }) => textContent?.includes('line 99901'))
        return (seen?.getBoundingClientRect().y ?? Number.NaN) - it.getBoundingClientRect().y
      })
    const top = await topOf()
    await page.getByRole('button', { name: 'Earlier lines' }).click()
    await line(98_901).waitFor({ state: 'attached' })
    expect(Math.abs((await topOf()) - top)).toBeLessThan(2)
    expect(await log.locator('li').count()).toBe(1_100)
    await page.getByLabel('Find in these lines').fill('Info LINE 999')
    await page.getByText('100 lines of 1100, and earlier ones have not been read').waitFor()
    expect(await log.locator('li').count()).toBe(100)
    await page.getByLabel('Find in these lines').fill('nowhere')
    await page.getByText('0 lines of 1100').waitFor()
  })

  test('among many others that run beside it, is what the graph shows of them', async ({ stage }) => {
    const { page, context } = await stage.open({ viewport: { width: 375, height: 800 } })
    await register(page)
    const jobs = Array.from({ length: 20 }, (_, nth) => ({ kind: 'debug.noop', input: {}, name: `part-${nth}` }))
    const end = { kind: 'debug.noop', input: {}, name: 'W'.repeat(200), after: jobs.map(({ name }) => `$${name}`) }
    const { ids } = await (await programOf(context)).post('/jobs/batch', { jobs: [...jobs, end] })
    for (const id of [ids[0], ids[19], ids[20]]) {
      await page.goto(`/dashboard/jobs/${id}`)
      const self = page.locator('.graph [aria-current]')
      await self.waitFor()
      const { x, width } = (await self.boundingBox()) ?? { x: -1, width: 0 }
      expect(x).toBeGreaterThanOrEqual(0)
      expect(x + width).toBeLessThanOrEqual(375)
    }
    await page.locator('.graph').getByText('and 17 more').waitFor()
    expect(await complaints(page)).toEqual([])
    const box = page.locator('.graph [aria-current]')
    const endOf = (part: string) => box.locator(part).evaluate((it) => it.getBoundingClientRect().right)
    expect(await endOf('div')).toBeLessThan(await endOf('rect'))
    await page.getByRole('button', { name: 'Show each job' }).click()
    await eventually(() => page.locator('.graph a').count()).toBe(21)
  })
})
