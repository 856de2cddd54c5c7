import { expect } from 'vitest'
import { complaints } from './accessible.ts'
import { makeAdmin, programOf, register } from './people.ts'
import { describeInBrowser, PATIENCE_MS, test } from './stage.ts'

describeInBrowser('whoever runs Stint', () => {
  test('adds a schedule, changes it, runs its job at once, pauses and deletes it', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    await page.goto('/dashboard/schedules')
    await page.getByText('No schedules yet.').waitFor()
    await page.getByRole('button', { name: 'New schedule' }).first().click()
    await page.locator('[name="name"]').fill('Each night')
    await page.locator('[name="cron"]').fill('at night')
    await page.locator('[name="kind"]').selectOption('math.pi')
    await page.locator('[name="expiresInSeconds"]').fill('5400')
    await page.locator('[name="input.digits"]').fill('10')
    await page.getByRole('button', { name: 'Create schedule' }).click()
    await expect
      .poll(() => page.locator('[name="cron"]').getAttribute('aria-invalid'), { timeout: PATIENCE_MS })
      .toBe('true')
    await page.locator('[name="cron"]').fill('30 2 * * *')
    await page.getByRole('button', { name: 'Create schedule' }).click()
    await page.getByRole('heading', { name: 'Each night' }).waitFor()
    await page.getByText('its jobs expire after 1 h 30 min').waitFor()
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.locator('[name="cron"]').fill('15 3 * * *')
    await page.locator('[name="expiresInSeconds"]').fill('')
    await page.locator('[name="input.digits"]').fill('20')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByText('15 3 * * *').waitFor()
    await expect.poll(() => page.getByText('its jobs expire').count(), { timeout: PATIENCE_MS }).toBe(0)
    await page.getByRole('button', { name: 'Run now' }).click()
    await page.getByRole('heading', { name: 'Each night' }).waitFor()
    await page.getByText('3.1415926535897932384').or(page.getByText('"digits": 20')).first().waitFor()
    await page.goBack()
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByText('Paused: it submits no jobs.').waitFor()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete it' }).click()
    await page.getByText('No schedules yet.').waitFor()
  })

  test('is told why a schedule was refused, also where no field is that alone', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    await page.goto('/dashboard/schedules')
    await page.getByRole('button', { name: 'New schedule' }).first().click()
    const fields = { name: 'Each night', cron: '30 2 * * *' }
    for (const [name, value] of Object.entries(fields)) await page.locator(`[name="${name}"]`).fill(value)
    await page.locator('[name="kind"]').selectOption('mail.send')
    const mail = { 'input.to': 'nobody', 'input.subject': 'Hello', 'input.text': 'Dear all' }
    for (const [name, value] of Object.entries(mail)) await page.locator(`[name="${name}"]`).fill(value)
    await page.getByRole('button', { name: 'Create schedule' }).click()
    await page.getByRole('dialog').getByText('input.to[0]').waitFor()
  })

  test('goes on by keyboard where they were, after a dialog and after a button that took a moment', async ({
    stage,
  }) => {
    const { page, context } = await stage.open()
    await register(page)
    const schedule = { name: 'Each night', cron: '30 2 * * *', kind: 'debug.noop', input: {} }
    await (await programOf(context)).post('/schedules', schedule)
    await page.goto('/dashboard/schedules')
    await page.getByRole('heading', { name: 'Each night' }).waitFor()
    const press = async (name: string) => {
      await page.getByRole('button', { name }).focus()
      await page.keyboard.press('Enter')
    }
    const focused = () =>
      expect.poll(() => page.evaluate(() => document.activeElement?.textContent), { timeout: PATIENCE_MS })
    for (const leave of ['Close', 'Escape']) {
      await press('New schedule')
      await page.getByRole('dialog').waitFor()
      await (leave === 'Close' ? press('Close') : page.keyboard.press(leave))
      await focused().toBe('New schedule')
    }
    await press('Delete')
    await press('Leave it')
    await focused().toBe('Delete')
    await press('Pause')
    await focused().toBe('Resume')
  })

  test('sees every schedule, however many there are', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    const program = await programOf(context)
    const schedule = { cron: '30 2 * * *', kind: 'debug.noop', input: {} }
    const all = Array.from({ length: 101 }, (_, nth) =>
      program.post('/schedules', { ...schedule, name: `Nightly ${nth}` }),
    )
    await Promise.all(all)
    await page.goto('/dashboard/schedules')
    await expect.poll(() => page.locator('.schedule').count(), { timeout: PATIENCE_MS }).toBe(101)
  })

  test('pauses a queue as an admin, sees whose jobs wait there and why, cancels some, and lets it go on', async ({
    stage,
  }) => {
    const { page, context } = await stage.open()
    const email = await register(page)
    await makeAdmin(stage, email)
    await page.goto('/dashboard/queues')
    const bulk = page.locator('.queue', { has: page.getByRole('heading', { name: 'bulk' }) })
    await bulk.getByRole('button', { name: 'Pause' }).click()
    await bulk.getByText('paused').waitFor()
    await page.goto('/dashboard/new?kind=serials.generate')
    await page.locator('[name="input.deviceModelCode"]').fill('NONE')
    await page.locator('[name="input.start"]').fill('1')
    await page.locator('[name="input.count"]').fill('1')
    await page.getByRole('button', { name: 'Submit', exact: true }).click()
    await page.getByText('The queue bulk is paused.').waitFor()
    const job = page.url()
    const program = await programOf(context)
    const flood = { kind: 'math.pi', input: { digits: 5 }, delaySeconds: 600 }
    await program.post('/jobs/batch', { jobs: Array.from({ length: 3 }, () => flood) })
    await page.goto('/dashboard/queues')
    const compute = page.locator('.queue', { has: page.getByRole('heading', { name: 'compute' }) })
    await compute.getByText('Whose jobs').click()
    await compute.getByText('0 queued, 3 delayed, 0 running').waitFor()
    await compute.getByText(email).waitFor()
    await compute.getByRole('button', { name: 'Cancel what waits of math.pi in Personal' }).click()
    // It goes away by itself, so it is waited for before it comes.
    const cancelled = page.getByText('Cancelled 3 jobs.').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel them' }).click()
    await cancelled
    await compute.getByText('No job waits or runs in it.').waitFor()
    expect(await complaints(page)).toEqual([])
    await bulk.getByRole('button', { name: 'Resume' }).click()
    // The next page would take the request with it.
    await bulk.getByRole('button', { name: 'Pause' }).waitFor()
    await page.goto(job)
    await page.locator('section[aria-label="Status"][data-state="failed"]').waitFor()
    await page.goto('/dashboard/queues')
    await bulk.getByRole('button', { name: 'Redrive failed jobs' }).click()
    const dialog = page.getByRole('dialog', { name: 'Retry the failed jobs of all projects in bulk?' })
    const retried = page.getByText('Retrying 1 failed job.').waitFor()
    await dialog.getByRole('button', { name: 'Retry them' }).click()
    await retried
  })

  test('sees the processes and their logs as an admin, and restarts one', async ({ stage }) => {
    const { page } = await stage.open()
    const email = await register(page)
    await page.goto('/dashboard/system')
    await page.getByText(`admin add ${email}`).waitFor()
    expect(await page.getByRole('heading', { name: 'Processes' }).count()).toBe(0)
    await makeAdmin(stage, email)
    await page.reload()
    const worker = page.locator('li', { has: page.getByText('worker-bulk-1', { exact: true }) })
    await worker.getByText(/^process \d+/).waitFor()
    const before = await worker.locator('small').first().textContent()
    await worker.getByRole('button', { name: 'Restart worker-bulk-1' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Restart it' }).click()
    await expect.poll(() => worker.textContent(), { timeout: PATIENCE_MS }).toMatch(/started again once.*up/)
    expect(await worker.locator('small').first().textContent()).not.toBe(before)

    await page.getByRole('button', { name: 'Log of host' }).click()
    const log = page.getByRole('log', { name: 'Log of host' })
    await log.locator('li').first().waitFor()
    expect(await complaints(page)).toEqual([])
    await page.keyboard.press('Escape')
    await log.waitFor({ state: 'detached' })
    await page.reload()
    await page.getByText('restarted the process worker-bulk-1').waitFor()
  })
})
