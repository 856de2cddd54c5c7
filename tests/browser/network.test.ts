import { expect } from 'vitest'
import { loaded } from './accessible.ts'
import { fillForm, isStillLoaded, markLoaded, register, submit, waitForState } from './people.ts'
import { describeInBrowser, PATIENCE_MS, test } from './stage.ts'

describeInBrowser('whoever uses the dashboard', () => {
  test('loses the network and comes back without missing anything', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    await fillForm(page, 'debug.noop', { 'input.steps': '30', 'input.stepMs': '100' })
    const id = await submit(page)
    await waitForState(page, 'running')
    await page.getByText('Live', { exact: true }).waitFor()
    await markLoaded(page)
    await context.setOffline(true)
    await page.getByText('Offline').waitFor()

    // Meanwhile the job ends, and somebody else's program submits another.
    const token = async () => (await (await context.request.post('/dashboard/session/refresh')).json()).accessToken
    const headers = { authorization: `Bearer ${await token()}` }
    const stateOf = async () => (await (await context.request.get(`/jobs/${id}`, { headers })).json()).job.state
    await expect.poll(stateOf, { timeout: PATIENCE_MS }).toBe('succeeded')
    const missed = { kind: 'debug.noop', input: {}, name: 'While you were away' }
    await context.request.post('/jobs', { headers, data: missed })

    await context.setOffline(false)
    await waitForState(page, 'succeeded')
    await page.getByRole('link', { name: 'Jobs', exact: true }).click()
    await page.getByRole('link', { name: 'While you were away' }).waitFor()
    await page.getByText('Live', { exact: true }).waitFor()
    expect(await isStillLoaded(page)).toBe(true)
  })

  test('is told by polling where no WebSocket can be had, and that it is so', async ({ stage }) => {
    const { page } = await stage.open()
    await page.routeWebSocket(/\/live/, (socket) => socket.close())
    await register(page)
    await page.getByText('Polling every 2 s').waitFor()
    await fillForm(page, 'debug.noop', { 'input.steps': '10', 'input.stepMs': '100' })
    await submit(page)
    await markLoaded(page)
    await waitForState(page, 'succeeded')
    expect(await isStillLoaded(page)).toBe(true)
  })

  test('stays signed in after a reload, and is signed out for good', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    const [cookie] = await context.cookies()
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/dashboard/session' })
    expect(await page.evaluate(() => document.cookie + JSON.stringify(localStorage))).not.toContain(cookie?.value ?? '')
    await page.goto('/dashboard/queues')
    await page.getByRole('heading', { name: 'Queues' }).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  })

  test('is told what is wrong when signing in or registering', async ({ stage }) => {
    const { page } = await stage.open()
    await page.goto('/')
    await page.getByLabel('Email').fill('nobody@example.com')
    await page.getByLabel('Password').fill('wrong')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('Email or password is wrong').waitFor()
    await page.getByRole('button', { name: 'Make an account' }).click()
    await page.getByLabel('Email').fill('no address')
    await page.getByRole('button', { name: 'Make the account' }).click()
    await expect.poll(() => page.locator('[aria-invalid="true"]').count(), { timeout: PATIENCE_MS }).toBe(3)
  })

  test('sees nothing of another, who is there at the same time', async ({ stage }) => {
    const [ada, eve] = await Promise.all([stage.open(), stage.open()])
    await register(ada.page, 'Ada')
    await register(eve.page, 'Eve')
    await fillForm(ada.page, 'debug.noop', { 'input.echo': '"a secret"', 'input.steps': '20', 'input.stepMs': '100' })
    const id = await submit(ada.page)
    await eve.page.goto('/dashboard/jobs')
    await eve.page.getByText('No jobs yet.').waitFor()
    await waitForState(ada.page, 'succeeded')
    await eve.page.goto(`/dashboard/jobs/${id}`)
    await eve.page.getByText('No such job').waitFor()
    for (const path of ['/', '/dashboard/failures', '/dashboard/jobs', '/dashboard/schedules']) {
      await eve.page.goto(path)
      await loaded(eve.page)
      expect(await eve.page.locator('main a[href^="/dashboard/jobs/"]').count()).toBe(0)
    }
  })

  test('adds a schedule, pauses and deletes it', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    await page.goto('/dashboard/schedules')
    await page.getByText('Nothing is scheduled.').waitFor()
    await page.getByRole('button', { name: 'New schedule' }).first().click()
    await page.locator('[name=".name"]').fill('Each night')
    await page.locator('[name=".cron"]').fill('at night')
    await page.locator('[name=".kind"]').selectOption('math.pi')
    await page.locator('[name="input.digits"]').fill('10')
    await page.getByRole('button', { name: 'Add the schedule' }).click()
    await expect.poll(() => page.locator('[name=".cron"]').getAttribute('aria-invalid')).toBe('true')
    await page.locator('[name=".cron"]').fill('30 2 * * *')
    await page.getByRole('button', { name: 'Add the schedule' }).click()
    await page.getByRole('heading', { name: 'Each night' }).waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByText('Paused: it makes no jobs.').waitFor()
    page.on('dialog', (dialog) => void dialog.accept())
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByText('Nothing is scheduled.').waitFor()
  })

  test('makes a project, lets somebody in, and takes the right away again', async ({ stage }) => {
    const [ada, bob] = await Promise.all([stage.open(), stage.open()])
    await register(ada.page, 'Ada')
    const email = await register(bob.page, 'Bob')
    await ada.page.goto('/dashboard/projects')
    await ada.page.getByRole('button', { name: 'New project' }).click()
    await ada.page.getByRole('dialog').getByLabel('Name').fill('Stations')
    await ada.page.getByRole('button', { name: 'Make the project' }).click()
    await ada.page.getByRole('heading', { name: 'Stations' }).waitFor()
    await ada.page.getByLabel('Email of somebody').fill(email)
    await ada.page.getByRole('button', { name: 'Add', exact: true }).click()
    await ada.page.getByText(email).waitFor()
    await bob.page.goto('/dashboard/projects')
    await bob.page.getByRole('link', { name: 'Stations' }).waitFor()
    await ada.page.getByRole('button', { name: 'Remove' }).click()
    await ada.page.getByText(email).waitFor({ state: 'detached' })
    await bob.page.reload()
    await bob.page.getByRole('link', { name: 'Personal' }).waitFor()
    expect(await bob.page.getByRole('link', { name: 'Stations' }).count()).toBe(0)
  })
})
