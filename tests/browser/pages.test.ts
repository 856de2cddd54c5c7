import { expect } from 'vitest'
import { complaints, loaded, overflow } from './accessible.ts'
import { makeAdmin } from './people.ts'
import { fill, PASSWORD, type Sample } from './sample.ts'
import { describeInBrowser, SCREENSHOTS, type Stage, test } from './stage.ts'

let filled: Promise<Sample> | undefined
/** A team's stack, the same for all tests. */
const sample = (stage: Stage): Promise<Sample> => {
  filled ??= fillForAdmin(stage)
  return filled
}

const fillForAdmin = async (stage: Stage): Promise<Sample> => {
  const filled = await fill(stage.stack.url, 'ada@example.com')
  await makeAdmin(stage, filled.email)
  return filled
}

const signIn = async (stage: Stage, options: Parameters<Stage['open']>[0]) => {
  const { email, jobs, projectId } = await sample(stage)
  const window = await stage.open(options)
  await window.context.request.post('/dashboard/session', { data: { email, password: PASSWORD } })
  return { ...window, jobs, projectId }
}

/** Each page, with what must stand on it before one looks. */
const PAGES: { name: string; path: string; shows: string }[] = [
  { name: 'overview', path: '/', shows: 'Latest jobs' },
  { name: 'jobs', path: '/dashboard/jobs', shows: 'Watch station 9' },
  { name: 'job-pi', path: '/dashboard/jobs/{pi}', shows: 'digits after the point' },
  { name: 'job-picture', path: '/dashboard/jobs/{picture}', shows: 'julia-1200x800.jpg' },
  { name: 'job-table', path: '/dashboard/jobs/{table}', shows: 'coefficient' },
  { name: 'job-graph', path: '/dashboard/jobs/{graph}', shows: 'Clean north' },
  { name: 'job-failed', path: '/dashboard/jobs/{failed}', shows: 'IMAGE_UNREADABLE' },
  { name: 'new-job', path: '/dashboard/new?kind=image.resize', shows: 'Drop a file here' },
  { name: 'failures', path: '/dashboard/failures', shows: 'DEVICE_MODEL_NOT_FOUND' },
  { name: 'schedules', path: '/dashboard/schedules', shows: 'A hundred digits each night' },
  { name: 'files', path: '/dashboard/files', shows: 'readings.csv' },
  { name: 'queues', path: '/dashboard/queues', shows: 'doorbells in SQS' },
  { name: 'system', path: '/dashboard/system', shows: 'worker-default-1' },
  { name: 'account', path: '/dashboard/account', shows: 'Current password' },
  { name: 'projects', path: '/dashboard/projects', shows: 'Weather stations' },
  { name: 'project', path: '/dashboard/projects/{project}', shows: 'created the project' },
]

/** Each dialog, with the page and the button that open it. */
const DIALOGS: { name: string; path: string; button: string; shows: string }[] = [
  { name: 'new-project', path: '/dashboard/projects', button: 'New project', shows: 'Create project' },
  { name: 'new-key', path: '/dashboard/projects/{project}', button: 'New key', shows: 'Create key' },
  { name: 'new-schedule', path: '/dashboard/schedules', button: 'New schedule', shows: 'Create schedule' },
  { name: 'log', path: '/dashboard/system', button: 'Log of kafka', shows: 'Mock cluster' },
]

const LOOKS = [
  { theme: 'light', width: 1_440, height: 900 },
  { theme: 'dark', width: 1_440, height: 900 },
  { theme: 'light', width: 390, height: 844 },
  { theme: 'dark', width: 390, height: 844 },
] as const

describeInBrowser('the pages of the dashboard', () => {
  test.for(LOOKS)('are whole and accessible: $theme, $width wide', async ({ theme, ...viewport }, { stage }) => {
    const { page, jobs, projectId } = await signIn(stage, { viewport, colorScheme: theme })
    const found: Record<string, unknown> = {}
    const open = async (path: string): Promise<void> => {
      const names: Record<string, string> = { ...jobs, project: projectId }
      await page.goto(path.replace(/\{(\w+)\}/, (_, it: string) => names[it] ?? ''))
    }
    const look = async (name: string): Promise<void> => {
      await loaded(page)
      await page.screenshot({ path: `${SCREENSHOTS}${name}-${viewport.width}-${theme}.png` })
      const wrong = [...(await complaints(page)), ...((await overflow(page)) > 0 ? ['wider than its window'] : [])]
      if (wrong.length > 0) found[name] = wrong
    }
    for (const { name, path, shows } of PAGES) {
      await open(path)
      await page.locator('main').getByText(shows).first().waitFor()
      await look(name)
    }
    for (const { name, path, button, shows } of DIALOGS) {
      await open(path)
      await page.getByRole('button', { name: button }).first().click()
      await page.getByRole('dialog').getByText(shows).first().waitFor()
      await look(`dialog-${name}`)
    }
    expect(found).toEqual({})
  })

  test.for(LOOKS)('so is the one to sign in: $theme, $width wide', async ({ theme, ...viewport }, { stage }) => {
    const { page } = await stage.open({ viewport, colorScheme: theme })
    await page.goto('/')
    await page.getByRole('button', { name: 'Create an account' }).click()
    await page.screenshot({ path: `${SCREENSHOTS}sign-in-${viewport.width}-${theme}.png` })
    expect([await complaints(page), await overflow(page)]).toEqual([[], 0])
  })

  test('are reached by keyboard alone, first the link past the menu', async ({ stage }) => {
    const { page } = await signIn(stage, {})
    await page.goto('/')
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.keyboard.press('Tab')
    expect(await page.evaluate(() => document.activeElement?.textContent)).toContain('Skip to the content')
    await page.getByRole('link', { name: 'Failures' }).focus()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Failures' }).waitFor()
  })

  test('show the whole of a large number on the overview', async ({ stage }) => {
    const { page } = await signIn(stage, {})
    await page.route('**/activity?**', async (route) => {
      const answer = await route.fetch()
      const activity = await answer.json()
      activity.buckets[0].succeeded = 100_000
      await route.fulfill({ response: answer, json: { ...activity, areAll: false } })
    })
    await page.goto('/')
    const number = page.locator('.tiles [data-state="succeeded"] b')
    await number.getByText(/^100,\d+\+$/).waitFor()
    for (const width of [390, 900, 1_024, 1_280, 1_440]) {
      await page.setViewportSize({ width, height: 900 })
      expect.soft(await number.evaluate((it) => it.scrollWidth - it.clientWidth), `${width} px`).toBe(0)
    }
  })

  test('begin with the overview for who types the name', async ({ stage }) => {
    const { page } = await signIn(stage, {})
    await page.goto('/dashboard')
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.locator('nav [aria-current="page"]', { hasText: 'Overview' }).waitFor()
  })

  test('open from a menu on a phone', async ({ stage }) => {
    const { page } = await signIn(stage, { viewport: { width: 390, height: 844 } })
    await page.goto('/')
    await page.getByRole('button', { name: 'Menu' }).click()
    await page.getByRole('link', { name: 'Queues' }).click()
    await page.getByRole('heading', { name: 'Queues' }).waitFor()
    await page.getByRole('button', { name: 'Menu', expanded: false }).waitFor()
  })

  test('keep a chosen theme', async ({ stage }) => {
    const { page } = await signIn(stage, { colorScheme: 'light' })
    await page.goto('/')
    await page.getByLabel('Theme').selectOption('dark')
    await page.reload()
    const background = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
    await expect.poll(background).toBe('rgb(15, 17, 19)')
  })
})
