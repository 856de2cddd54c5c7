import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'
import { fillForm, programOf, register, submit } from './people.ts'
import { describeInBrowser, test } from './stage.ts'

const rowsOf = (page: Page) => page.locator('tr[data-job]')
const idsOf = (page: Page) => rowsOf(page).evaluateAll((rows) => rows.map((it) => (it as HTMLElement).dataset['job']))

/** Jobs that wait for an hour. */
const later = (count: number, name: string) => ({
  jobs: Array.from({ length: count }, (_, nth) => ({
    kind: 'debug.noop',
    input: {},
    name: `${name} ${nth + 1}`,
    delaySeconds: 3_600,
  })),
})

describeInBrowser('the list of files', () => {
  test('has what was uploaded and what jobs made; each is downloaded, and deleted once no job needs it', async ({
    stage,
  }) => {
    const { page, context } = await stage.open()
    await register(page)
    const program = await programOf(context)
    await page.goto('/dashboard/files')
    await page.getByText('No files yet.').waitFor()
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      page.getByRole('button', { name: 'Upload files' }).click(),
    ])
    const text = 'a,b\n1,2\n'
    await chooser.setFiles({ name: 'numbers.csv', mimeType: 'text/csv', buffer: Buffer.from(text) })
    const row = (name: string) => page.getByRole('listitem').filter({ hasText: name })
    await row('numbers.csv').getByText('text/csv, 8 B').waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download numbers.csv' }).click(),
    ])
    expect(download.suggestedFilename()).toBe('numbers.csv')
    expect(readFileSync(await download.path(), 'utf8')).toBe(text)

    const [{ id: fileId }] = (await program.get('/files')).items
    const { job } = await program.post('/jobs', { kind: 'data.analyze', input: { fileId }, delaySeconds: 3_600 })
    const remove = async (): Promise<void> => {
      await page.getByRole('button', { name: 'Delete numbers.csv' }).click()
      await page.getByRole('button', { name: 'Delete it' }).press('Enter')
    }
    // It goes away by itself, so it is waited for before it comes.
    const refused = page.getByText('A job that has not ended, or a schedule, needs this file').waitFor()
    await remove()
    await refused
    await program.post('/jobs/cancel', { ids: [job.id] })
    await remove()
    await page.getByText('No files yet.').waitFor()

    const made = await program.post('/jobs', { kind: 'math.binomial-expansion', input: { n: 2_000 } })
    await row('binomial-expansion-2000.csv').getByRole('link').click()
    await page.waitForURL(`/dashboard/jobs/${made.job.id}`)
  })

  test('is of the chosen project, pages on to older ones, and changes nothing for a viewer', async ({ stage }) => {
    const { page } = await stage.open()
    const email = await register(page, 'Grace')
    const ada = await stage.open()
    await register(ada.page)
    const owner = await programOf(ada.context)
    const { project } = await owner.post('/projects', { name: 'Weather' })
    for (let nth = 1; nth <= 51; nth++)
      await owner.post('/files/uploads', {
        projectId: project.id,
        name: `reading ${nth}`,
        contentType: 'text/csv',
        sizeBytes: 1,
      })
    await owner.post(`/projects/${project.id}/members`, { email, role: 'viewer' })
    await page.goto('/')
    await page.getByLabel('Project').selectOption('Weather')
    await page.getByRole('link', { name: 'Files' }).click()
    await page.getByText('reading 51', { exact: true }).waitFor()
    expect(await page.getByText('not here yet').count()).toBe(50)
    expect(await page.getByRole('button', { name: /^(Upload|Delete)/ }).count()).toBe(0)
    await page.getByRole('link', { name: 'Older' }).click()
    await page.getByText('reading 1', { exact: true }).waitFor()
    await page.getByRole('link', { name: 'Newest' }).click()
    await page.getByText('reading 51', { exact: true }).waitFor()
  })
})

describeInBrowser('lists of jobs', () => {
  test('are searched by state, text and tag, and cancelled and retried together', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    for (const echo of ['"north"', '"south"']) {
      await fillForm(page, 'debug.noop', { 'input.echo': echo })
      await page.getByText('Name, tags and timing').click()
      await page.locator('[name="name"]').fill(`Station of ${JSON.parse(echo)}`)
      await page.locator('[name="tags"]').fill('stations')
      await page.locator('[name="delaySeconds"]').fill('3600')
      await submit(page)
    }
    const rows = page.locator('tr[data-job]')
    await page.goto('/dashboard/jobs?tag=stations')
    await expect.poll(() => rows.count()).toBe(2)
    for (const [text, name] of [
      ['"NORTH"', 'Station of north'],
      ['OF south', 'Station of south'],
    ] as const) {
      await page.getByLabel('Text in name or input').fill(text)
      await page.keyboard.press('Enter')
      await expect.poll(() => rows.getByRole('link').allTextContents()).toEqual([name])
    }
    await page.getByRole('button', { name: 'Clear' }).click()
    await expect.poll(() => rows.count()).toBe(2)

    await page.getByLabel('Select all on this page').check()
    await page.getByRole('button', { name: 'Cancel 2' }).click()
    await page.getByRole('button', { name: 'Retry 2' }).click()
    await expect.poll(() => page.locator('tr[data-job] [data-state="succeeded"]').count()).toBeGreaterThan(1)
    await page.getByRole('radio', { name: 'failed' }).check()
    await page.getByText('No matching jobs.').waitFor()
  })

  test('say how many jobs are in each state, as it changes, until something else is asked for', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    const program = await programOf(context)
    const { ids } = await program.post('/jobs/batch', later(3, 'Old'))
    await page.goto('/dashboard/jobs')
    const countOf = (state: string) =>
      expect.poll(() => page.locator(`.states [data-state="${state}"] small`).textContent())
    await countOf('queued').toBe('3')
    await countOf('failed').toBe('0')
    await program.post('/jobs/cancel', { ids: ids.slice(0, 1) })
    await countOf('cancelled').toBe('1')
    await countOf('queued').toBe('2')
    await page.getByRole('radio', { name: 'cancelled' }).check()
    await expect.poll(() => rowsOf(page).count()).toBe(1)
    await countOf('queued').toBe('2')
    await page.getByLabel('Kind').selectOption('debug.noop')
    await countOf('queued').toBe('')
  })

  test('are those that the overview counts, of the same time', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    const input = { deviceModelCode: '0222', start: 1, count: 1 }
    await (await programOf(context)).post('/jobs', { kind: 'serials.generate', input, maxAttempts: 1 })
    await page.goto('/dashboard')
    await page.locator('.tiles [data-state="failed"]', { hasText: '1' }).click()
    await page.waitForURL(/state=failed&finishedAfter=/)
    await expect.poll(() => rowsOf(page).count()).toBe(1)
    expect(await page.getByLabel('Ended after').inputValue()).not.toBe('')
    await page.getByLabel('Ended after').fill('2100-01-01T00:00')
    await page.getByText('No matching jobs.').waitFor()
    await page.goto('/dashboard')
    await page.locator('.tiles [data-state="queued"]').click()
    await page.waitForURL(/state=queued$/)
  })

  test('don’t move when a filter is chosen, and Back takes it away', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    const program = await programOf(context)
    await program.post('/jobs/batch', later(3, 'Old'))
    await page.goto('/dashboard/jobs')
    await expect.poll(() => rowsOf(page).count()).toBe(3)
    const topOf = async () => (await rowsOf(page).first().boundingBox())?.y
    const top = await topOf()
    await page.getByLabel('Kind').selectOption('debug.noop')
    await page.waitForURL(/kind=debug\.noop/)
    await expect.poll(() => rowsOf(page).count()).toBe(3)
    expect(await topOf()).toBe(top)
    await page.getByLabel('Text in name or input').fill('nowhere')
    await page.keyboard.press('Enter')
    await page.getByText('No matching jobs.').waitFor()
    await page.getByLabel('Text in name or input').fill('nowhere else')
    await page.keyboard.press('Enter')
    await page.waitForURL(/text=nowhere\+else/)
    for (const left of ['?kind=debug.noop', '']) {
      await page.goBack()
      await expect.poll(() => new URL(page.url()).search).toBe(left)
      await expect.poll(() => rowsOf(page).count()).toBe(3)
    }
  })

  test('show the whole of a time that they are filtered by, in a window and on a phone', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    await page.goto('/dashboard/jobs?queuedAfter=2026-11-29T22:15:00.000Z')
    const field = page.getByLabel('Queued after')
    for (const width of [1_280, 1_024, 640, 375]) {
      await page.setViewportSize({ width, height: 800 })
      const cut = await field.evaluate((it: HTMLInputElement) => {
        const given = it.offsetWidth
        it.style.width = 'max-content'
        const needed = it.offsetWidth
        it.style.width = ''
        return needed - given
      })
      expect.soft(cut, `${width} px`).toBeLessThanOrEqual(0)
    }
  })

  test.for([390, 1_440])('show the filters by time when they are wanted, or set: %d wide', async (width, { stage }) => {
    const { page } = await stage.open({ viewport: { width, height: 844 } })
    await register(page)
    await page.goto('/dashboard/jobs')
    const field = page.getByLabel('Ended after')
    await page.getByText('No jobs yet.').waitFor()
    expect(await field.isVisible()).toBe(false)
    await page.getByRole('button', { name: 'Times' }).click()
    await field.waitFor()
    await page.goto('/dashboard/jobs?queuedAfter=2026-11-29T22:15:00.000Z')
    await field.waitFor()
  })

  test('keep every column in sight beside the longest name and tag', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    const job = { kind: 'debug.noop', input: {}, name: 'W'.repeat(200), tags: ['b'.repeat(64)] }
    await (await programOf(context)).post('/jobs', job)
    await page.goto('/dashboard/jobs')
    await rowsOf(page).waitFor()
    for (const width of [900, 1_024, 1_280]) {
      await page.setViewportSize({ width, height: 900 })
      const hidden = await page.locator('.table-frame').evaluate((it) => it.scrollWidth - it.clientWidth)
      expect.soft(hidden, `${width} px`).toBe(0)
    }
    // Nor does it push the others away: two lines of it are shown.
    const link = rowsOf(page).getByRole('link')
    const [lineHeight, height] = await link.evaluate((it) => [
      Number.parseFloat(getComputedStyle(it).lineHeight),
      it.getBoundingClientRect().height,
    ])
    expect(height).toBeLessThan(2.5 * (lineHeight ?? 0))
    expect(await link.getAttribute('title')).toBe(job.name)
  })

  test('leave what somebody types as it is while jobs come', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    await page.goto('/dashboard/jobs')
    await page.getByText('No jobs yet.').waitFor()
    const text = page.getByLabel('Text in name or input')
    await text.focus()
    await page.keyboard.type('the no')
    const program = await programOf(context)
    for (const echo of ['the south', 'the north']) await program.post('/jobs', { kind: 'debug.noop', input: { echo } })
    await expect.poll(() => rowsOf(page).count()).toBe(2)
    await page.keyboard.type('rth')
    expect(await text.inputValue()).toBe('the north')
    await page.keyboard.press('Enter')
    await expect.poll(() => rowsOf(page).count()).toBe(1)
    await page.getByRole('button', { name: 'Clear' }).click()
    await expect.poll(() => text.inputValue()).toBe('')
  })

  test('lead to a job by its id, typed where text is looked for', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    const { job } = await (await programOf(context)).post('/jobs', { kind: 'debug.noop', input: {}, name: 'This one' })
    await page.goto('/dashboard/jobs')
    await rowsOf(page).waitFor()
    await page.getByLabel('Text in name or input').fill(job.id)
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'Open the job with this id' }).click()
    await page.getByRole('heading', { name: 'This one' }).waitFor()
  })

  test('are where one was after Back from a job', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    await (await programOf(context)).post('/jobs/batch', later(50, 'Old'))
    await page.goto('/dashboard/jobs')
    await page.getByRole('link', { name: 'Old 5', exact: true }).click()
    await page.getByRole('region', { name: 'Status' }).waitFor()
    await expect.poll(() => page.evaluate(() => scrollY)).toBe(0)
    await page.goBack()
    await expect.poll(() => rowsOf(page).count()).toBe(50)
    await expect.poll(() => page.evaluate(() => scrollY)).toBeGreaterThan(500)
  })

  test('stay as they are while somebody reads or chooses in them, and count what is new', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    const program = await programOf(context)
    await program.post('/jobs/batch', later(60, 'Old'))
    await page.goto('/dashboard/jobs')
    await expect.poll(() => rowsOf(page).count()).toBe(50)
    await page.getByRole('link', { name: 'Older' }).click()
    await expect.poll(() => rowsOf(page).count()).toBe(10)
    const older = await idsOf(page)
    await program.post('/jobs/batch', later(3, 'New'))
    await page.getByRole('link', { name: 'Newest' }).click()
    await page.getByRole('link', { name: 'New 3' }).waitFor()
    await page.goBack()
    await expect.poll(() => idsOf(page)).toEqual(older)

    await page.goto('/dashboard/jobs')
    await page.getByLabel('Select New 3').check()
    const held = await idsOf(page)
    await program.post('/jobs/batch', later(2, 'Newest'))
    await page.getByRole('button', { name: '2 new jobs' }).waitFor()
    expect(await idsOf(page)).toEqual(held)
    await page.getByRole('button', { name: '2 new jobs' }).click()
    await page.getByRole('link', { name: 'Newest 2' }).waitFor()
  })

  test('say of jobs that are not as asked for any more what became of them, while somebody reads', async ({
    stage,
  }) => {
    const { page, context } = await stage.open()
    await register(page)
    const program = await programOf(context)
    const jobs = Array.from({ length: 20 }, () => ({ kind: 'debug.noop', input: { steps: 6_000, stepMs: 100 } }))
    const { ids } = await program.post('/jobs/batch', { jobs })
    await page.goto('/dashboard/jobs?state=running')
    await expect.poll(() => rowsOf(page).count()).toBe(20)
    await page.evaluate(() => scrollTo(0, 300))
    await program.post('/jobs/cancel', { ids })
    await expect.poll(() => rowsOf(page).locator('.state[data-state="cancelled"]').count()).toBe(20)
    expect(await rowsOf(page).count()).toBe(20)
  })

  test('tell how long ago by the API’s clock: the browser’s may be off', async ({ stage }) => {
    const { page, context } = await stage.open()
    await page.clock.setFixedTime(Date.now() - 600_000)
    await register(page)
    const job = { kind: 'debug.noop', input: {}, delaySeconds: 3_500 }
    await (await programOf(context)).post('/jobs', job)
    await page.goto('/dashboard/jobs')
    await rowsOf(page).first().waitFor()
    await expect.poll(() => rowsOf(page).locator('time').textContent()).toMatch(/^now$|s ago$|^[1-4] min ago$/)
    await rowsOf(page)
      .getByText(/due in 5\d min/)
      .waitFor()
  })

  test('say so when there is none as far as one page looks, and go on from there', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    const program = await programOf(context)
    await program.post('/jobs', { ...later(1, 'Rare').jobs[0], input: { echo: 'rare' } })
    const [often] = later(1, 'Often').jobs
    await program.post('/jobs/batch', {
      jobs: Array.from({ length: 5_000 }, () => ({ ...often, input: { echo: 'x' } })),
    })
    await page.goto('/dashboard/jobs?text=%22steps')
    await expect.poll(() => rowsOf(page).count()).toBe(50)
    await page.goto('/dashboard/jobs?text=rare')
    await page.getByText('None found yet.').waitFor()
    await page.getByRole('link', { name: 'Older' }).click()
    await page.getByRole('link', { name: 'Rare 1' }).waitFor()
    expect(await page.getByRole('link', { name: 'Older' }).count()).toBe(0)
    // Whose id is looked for may be older still.
    const id = (await idsOf(page))[0]
    await page.goto(`/dashboard/jobs?text=${id}`)
    await page.getByRole('link', { name: 'Open the job with this id' }).click()
    await page.getByRole('heading', { name: 'Rare 1' }).waitFor()
  })

  test('are read once a second at most, however much happens, and show the end of it', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    await page.goto('/dashboard/jobs')
    await page.getByText('Live', { exact: true }).waitFor()
    const asked: number[] = []
    page.on('request', (request) => {
      if (request.resourceType() === 'fetch' && /\/jobs\?/.test(request.url())) asked.push(Date.now())
    })
    const began = Date.now()
    const jobs = Array.from({ length: 40 }, () => ({ kind: 'debug.noop', input: { steps: 20, stepMs: 100 } }))
    await (await programOf(context)).post('/jobs/batch', { jobs })
    await expect.poll(() => page.locator('tr[data-job] [data-state="succeeded"].state').count()).toBe(40)
    const seconds = (Date.now() - began) / 1_000
    expect(asked.length).toBeGreaterThan(0)
    expect(asked.length).toBeLessThanOrEqual(Math.ceil(seconds) + 1)
  })

  test('show what happened between their answer and the first change that is told', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    const program = await programOf(context)
    const held = Promise.withResolvers<void>()
    await page.route(/\/live\//, async (route) => {
      await held.promise
      await route.continue()
    })
    await page.goto('/dashboard/failures')
    await page.getByText('No failures in this time range.').waitFor()
    const input = { deviceModelCode: '0222', start: 1, count: 1 }
    const { job } = await program.post('/jobs', { kind: 'serials.generate', input })
    await expect.poll(async () => (await program.get(`/jobs/${job.id}`)).job.state).toBe('failed')
    held.resolve()
    await page.getByText(/^Once, /).waitFor()
  })

  test('of failures show together what failed alike, and begin it anew', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    const program = await programOf(context)
    const codes = ['0222', '0333', '0444', '0555', '0666']
    // One more than an answer names.
    const jobs = Array.from({ length: 101 }, (_, nth) => ({
      kind: 'serials.generate',
      input: { deviceModelCode: codes[nth % codes.length], start: nth + 1, count: 1 },
    }))
    await program.post('/jobs/batch', { jobs })
    await page.goto('/dashboard/failures')
    await page.getByText(/^101 times, last/).waitFor()
    await page.setViewportSize({ width: 390, height: 844 })
    const overflow = () =>
      page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    expect(await overflow()).toBe(0)
    for (const code of codes) await program.post('/device-models', { code, name: 'Thermometer' })
    const retried = page.getByText('Retrying 101 jobs.').waitFor()
    await page.getByRole('button', { name: 'Retry all 101' }).click()
    await retried
    await page.getByText('No failures in this time range.').waitFor()
  })
})
