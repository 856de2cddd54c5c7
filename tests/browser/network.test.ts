import type { Route } from 'playwright-core'
import { expect } from 'vitest'
import { loaded, overflow } from './accessible.ts'
import { fillForm, isStillLoaded, markLoaded, programOf, register, submit, waitForState } from './people.ts'
import { describeInBrowser, test } from './stage.ts'

describeInBrowser('whoever uses the dashboard', () => {
  test('loses the network and comes back without missing anything', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    await fillForm(page, 'debug.noop', { 'input.steps': '6000', 'input.stepMs': '100' })
    const id = await submit(page)
    await waitForState(page, 'running')
    await page.getByText('Live', { exact: true }).waitFor()
    await markLoaded(page)
    await context.setOffline(true)
    await page.locator('.foot').getByText('Offline').waitFor()

    // Meanwhile the job ends, and somebody else's program submits another.
    const program = await programOf(context)
    const stateOf = async () => (await program.get(`/jobs/${id}`)).job.state
    await program.post(`/jobs/${id}/cancel`, {})
    await expect.poll(stateOf).toBe('cancelled')
    await program.post('/jobs', { kind: 'debug.noop', input: {}, name: 'While you were away' })

    await context.setOffline(false)
    await waitForState(page, 'cancelled')
    await page.getByRole('link', { name: 'Jobs', exact: true }).click()
    await page.getByRole('link', { name: 'While you were away' }).waitFor()
    await page.getByText('Live', { exact: true }).waitFor()
    expect(await isStillLoaded(page)).toBe(true)
  })

  test('sees on a phone that the network is gone, without opening the menu', async ({ stage }) => {
    const { page, context } = await stage.open({ viewport: { width: 390, height: 844 } })
    await register(page)
    await page.goto('/')
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    const offline = page.locator('.bar').getByText('Offline')
    await context.setOffline(true)
    await offline.waitFor()
    expect(await overflow(page)).toBe(0)
    await context.setOffline(false)
    await offline.waitFor({ state: 'detached' })
  })

  test('is shown what a single request did not get, and that all is well again', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    // A page that asks for nothing: any other answer would say that Stint is reached.
    await page.goto('/dashboard/account')
    await page.locator('.project-choice option', { hasText: 'Personal' }).waitFor({ state: 'attached' })
    await page.getByText('Live', { exact: true }).waitFor()
    const answers = [{ status: 500 }, { status: 429, headers: { 'retry-after': '1' } }]
    await page.route('**/failures?**', async (route) => {
      const next = answers.pop()
      await (next ? route.fulfill(next) : route.continue())
    })
    await page.route('**/failures?**', (route) => route.abort('connectionreset'), { times: 1 })
    await page.getByRole('link', { name: 'Failures', exact: true }).click()
    await page.locator('.foot').getByText('Offline').waitFor()
    await page.getByText('No failures in this time range.').waitFor()
    await page.getByText('Live', { exact: true }).waitFor()
  })

  test('is told of each part of the overview that could not be had, and not that it is loading', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    const page502 = { status: 502, contentType: 'text/html', body: '<h1>Bad Gateway</h1>' }
    await page.route(/\/(activity|jobs)\?/, (route) => route.fulfill(page502))
    await page.goto('/')
    await expect.poll(() => page.getByText('502 Bad Gateway').count()).toBe(2)
    await expect.poll(() => page.locator('.skeleton').count()).toBe(0)
    await page.unrouteAll()
    await page.getByText('No jobs yet.').waitFor()
  })

  test('submits one job by pressing twice, when the first answer was lost, and by pressing after a reload', async ({
    stage,
  }) => {
    const { page, context } = await stage.open()
    await register(page)
    await fillForm(page, 'debug.noop', { 'input.steps': '1' })
    const loseAnswer = async (route: Route) => {
      await route.fetch()
      await route.abort('connectionreset')
    }
    await page.route((url) => url.pathname === '/jobs', loseAnswer, { times: 2 })
    for (const again of [() => page.reload(), () => Promise.resolve()]) {
      await page.getByRole('button', { name: 'Submit', exact: true }).click()
      await page.getByText('Stint can’t be reached.').waitFor()
      await again()
    }
    await submit(page)
    expect((await (await programOf(context)).get('/jobs')).items).toHaveLength(1)
  })

  test('is told by polling where no WebSocket can be had, and that it is so', async ({ stage }) => {
    const { page } = await stage.open()
    await page.routeWebSocket(/\/live/, (socket) => socket.close())
    await register(page)
    await page.goto('/')
    await page.locator('.foot').getByText('Polling every 2 s').waitFor()
    await fillForm(page, 'debug.noop', { 'input.steps': '10', 'input.stepMs': '100' })
    await submit(page)
    await markLoaded(page)
    await waitForState(page, 'succeeded')
    expect(await isStillLoaded(page)).toBe(true)
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
})
