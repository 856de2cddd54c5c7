import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect } from 'vitest'
import { complaints } from './accessible.ts'
import { fillForm, linkFromMail, PASSWORD, programOf, register, registerAtForm, submit } from './people.ts'
import { describeInBrowser, test } from './stage.ts'

describeInBrowser('a person', () => {
  test('stays signed in after a reload, and is signed out for good', async ({ stage }) => {
    const { page, context } = await stage.open()
    await registerAtForm(page, 'Ada')
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
    await page.getByRole('button', { name: 'Create an account' }).click()
    await page.getByLabel('Email').fill('no address')
    await page.getByRole('button', { name: 'Create account' }).click()
    await expect.poll(() => page.locator('[aria-invalid="true"]').count()).toBe(3)
  })

  test('confirms the email by the link in the mail, once, and its token is gone from the address', async ({
    stage,
  }) => {
    const { page } = await stage.open()
    const email = await register(page)
    await page.goto('/dashboard/account')
    await page.getByText('is not confirmed yet').waitFor()
    const link = await linkFromMail(stage, email, '/dashboard/confirm-email')
    await page.goto(link)
    expect(await complaints(page)).toEqual([])
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByRole('heading', { name: 'Your address is confirmed' }).waitFor()
    expect(page.url()).not.toContain('#')
    await page.goto('/dashboard/account')
    await page.getByRole('form', { name: 'Profile' }).waitFor()
    expect(await page.getByText('is not confirmed yet').count()).toBe(0)
    await page.goto(link)
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByRole('alert').waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'Open the link from the mail' }).waitFor()
  })

  test('who forgot the password chooses another by the link in the mail, and signs in with it', async ({ stage }) => {
    const { page, context } = await stage.open()
    const email = await register(page)
    await context.clearCookies()
    await page.goto('/')
    await page.getByRole('link', { name: 'Forgot your password?' }).click()
    await page.getByLabel('Email').fill(email)
    expect(await complaints(page)).toEqual([])
    await page.getByRole('button', { name: 'Send mail' }).click()
    await page.getByRole('heading', { name: 'Check your mail' }).waitFor()
    await page.goto(await linkFromMail(stage, email, '/dashboard/new-password'))
    await page.getByLabel('New password').fill('short')
    await page.getByRole('button', { name: 'Change password' }).click()
    await page.getByText('expected 10 to 200 characters').waitFor()
    await page.getByLabel('New password').fill('another correct horse')
    await page.getByRole('button', { name: 'Change password' }).click()
    await page.getByRole('heading', { name: 'Your password is changed' }).waitFor()
    await page.getByRole('link', { name: 'Sign in' }).click()
    await page.getByLabel('Email').fill(email)
    await page.getByLabel('Password', { exact: true }).fill('another correct horse')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
  })

  test('changes name and password, stays signed in here, and is signed out elsewhere', async ({ stage }) => {
    const [here, elsewhere] = await Promise.all([stage.open(), stage.open()])
    const email = await register(here.page)
    await elsewhere.context.request.post('/dashboard/session', { data: { email, password: PASSWORD } })
    await here.page.goto('/dashboard/account')
    await here.page.getByLabel('Name').fill('Ada King')
    await here.page.getByRole('button', { name: 'Save' }).click()
    await here.page.getByRole('link', { name: 'Ada King' }).waitFor()
    await here.page.getByLabel('Current password').fill('not this')
    await here.page.getByLabel('New password').fill('another correct horse')
    await here.page.getByRole('button', { name: 'Change password' }).click()
    await here.page.getByRole('alert').waitFor()
    await here.page.getByLabel('Current password').fill(PASSWORD)
    await here.page.getByRole('button', { name: 'Change password' }).click()
    await here.page.getByText('Your password is changed').waitFor()
    await here.page.reload()
    await here.page.getByRole('heading', { name: 'Your account' }).waitFor()
    await elsewhere.page.goto('/')
    await elsewhere.page.getByRole('heading', { name: 'Sign in' }).waitFor()
  })

  test('leaves nothing that was chosen to the next one at the same window', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page, 'Ada')
    const { project } = await (await programOf(context)).post('/projects', { name: 'Stations' })
    await page.goto('/')
    await page.locator('.project-choice select').selectOption(project.id)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(await page.getByText('Your session has ended').count()).toBe(0)
    await registerAtForm(page, 'Bob')
    await page.getByText('No jobs yet.').waitFor()
    expect(await page.getByText('No such project').count()).toBe(0)
    await page.locator('.project-choice select').selectOption('Personal')
  })

  test('sees all jobs again when the chosen project is deleted by another', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page, 'Ada')
    const program = await programOf(context)
    const { project } = await program.post('/projects', { name: 'Stations' })
    await page.goto('/')
    await page.locator('.project-choice select').selectOption(project.id)
    const { accessToken } = await (await context.request.post('/dashboard/session/refresh')).json()
    await context.request.delete(`/projects/${project.id}`, { headers: { authorization: `Bearer ${accessToken}` } })
    await page.reload()
    await page.getByText('No jobs yet.').waitFor()
    await expect.poll(() => page.locator('.project-choice select').inputValue()).toBe('')
  })

  test('is signed out in every tab by signing out in one', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page, 'Ada')
    await page.goto('/')
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    const tab = await context.newPage()
    await tab.goto('/dashboard/account')
    await tab.getByRole('form', { name: 'Profile' }).waitFor()
    // It is known there without asking.
    await tab.route('**/*', (route) => route.abort())
    await page.getByRole('button', { name: 'Sign out' }).click()
    await tab.getByRole('heading', { name: 'Sign in' }).waitFor()
  })

  test('confirms the email in a browser in which nobody is signed in, by signing in first', async ({ stage }) => {
    const { page, context } = await stage.open()
    const email = await register(page)
    await context.clearCookies()
    await page.goto(await linkFromMail(stage, email, '/dashboard/confirm-email'))
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await page.getByLabel('Email').fill(email)
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText(`with the address ${email}`).waitFor()
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByRole('heading', { name: 'Your address is confirmed' }).waitFor()
  })

  test('does nothing as another who has signed in in a second tab, and sees who that is', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page, 'Ada')
    await fillForm(page, 'debug.noop', { 'input.steps': '6000', 'input.stepMs': '100' })
    await submit(page)
    // As in a tab in which nobody was signed in any more.
    const bob = { email: `bob-${randomUUID()}@example.com`, password: PASSWORD, name: 'Bob' }
    expect((await context.request.post('/dashboard/session/registration', { data: bob })).status()).toBe(201)

    let asked = 0
    await page.route('**/jobs/*/cancel', async (route) => {
      asked++
      // As after the quarter of an hour that Ada's token is good for.
      const body = JSON.stringify({
        status: 401,
        code: 'UNAUTHENTICATED',
        title: 'No',
        detail: 'Expired',
        requestId: '1',
      })
      await route.fulfill({ status: 401, contentType: 'application/problem+json', body })
    })
    await page.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('link', { name: 'Bob' }).waitFor()
    expect([asked, await page.getByRole('link', { name: 'Ada' }).count()]).toEqual([1, 0])
    await page.getByText('No such job').waitFor()
  })

  test('may have a long name, and give long names, without a space', async ({ stage }) => {
    const { page, context } = await stage.open({ viewport: { width: 1_024, height: 768 } })
    await register(page, 'Wolfeschlegelsteinhausenbergerdorff')
    await page.goto('/')
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    const signOut = page.getByRole('button', { name: 'Sign out' })
    const side = await page.getByRole('complementary', { name: 'Navigation' }).boundingBox()
    const box = await signOut.boundingBox()
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThan(side?.width ?? 0)

    const program = await programOf(context)
    const name = 'a-name-without-a-space'.repeat(4).replaceAll('-', '')
    const { project } = await program.post('/projects', { name })
    await program.post('/schedules', { name, cron: '30 2 * * *', kind: 'debug.noop', input: {} })
    await page.setViewportSize({ width: 390, height: 844 })
    for (const path of ['/dashboard/projects', `/dashboard/projects/${project.id}`, '/dashboard/schedules']) {
      await page.goto(path)
      await page.locator('h1, h2').filter({ hasText: name }).first().waitFor()
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390)
    }
  })

  test('makes a project, lets somebody in, and takes the right away again', async ({ stage }) => {
    const [ada, bob] = await Promise.all([stage.open(), stage.open()])
    await register(ada.page, 'Ada')
    const email = await register(bob.page, 'Bob')
    await ada.page.goto('/dashboard/projects')
    await ada.page.getByRole('button', { name: 'New project' }).click()
    await ada.page.getByRole('dialog').getByLabel('Name').fill('Stations')
    await ada.page.getByRole('button', { name: 'Create project' }).click()
    await ada.page.getByRole('heading', { name: 'Stations' }).waitFor()
    await ada.page.getByLabel('Email of a registered user').fill(email)
    await ada.page.getByRole('button', { name: 'Add', exact: true }).click()
    await ada.page.getByText(email).waitFor()
    await bob.page.goto('/dashboard/projects')
    await bob.page.getByRole('link', { name: 'Stations' }).waitFor()
    await ada.page.getByRole('button', { name: 'Remove' }).click()
    await ada.page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await ada.page.getByText(email).waitFor({ state: 'detached' })
    await bob.page.reload()
    await bob.page.getByRole('link', { name: 'Personal' }).waitFor()
    expect(await bob.page.getByRole('link', { name: 'Stations' }).count()).toBe(0)
  })

  test('adds a device model, makes serial numbers for it, and deletes another', async ({ stage }) => {
    const { page } = await stage.open()
    await register(page)
    await page.goto('/dashboard/projects')
    await page.getByRole('link', { name: 'Personal' }).click()
    const models = page.getByRole('region', { name: 'Device models' })
    await models.getByText('There is none yet.').waitFor()
    const add = async (code: string, name: string): Promise<void> => {
      await models.getByLabel('Code').fill(code)
      await models.getByLabel('Name').fill(name)
      await models.getByRole('button', { name: 'Add the model' }).click()
    }
    await add('ü', 'Scale')
    await expect.poll(() => models.getByLabel('Code').getAttribute('aria-invalid')).toBe('true')
    await add('0112', 'Scale')
    await models.getByText('0112').waitFor()
    await add('0111', 'Thermometer')
    await models.getByText('Thermometer').waitFor()
    await models.getByRole('listitem').filter({ hasText: 'Scale' }).getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete it' }).click()
    await models.getByText('0112').waitFor({ state: 'detached' })

    const input = { 'input.deviceModelCode': '0111', 'input.start': '1', 'input.count': '3' }
    await fillForm(page, 'serials.generate', input)
    await submit(page)
    await page.getByText('0111-00000003').first().waitFor()
    await page.goto('/dashboard/projects')
    await page.getByRole('link', { name: 'Personal' }).click()
    const saving = page.waitForEvent('download')
    await models.getByRole('button', { name: 'Serial numbers' }).click()
    const saved = await saving
    expect(saved.suggestedFilename()).toBe('0111-serial-numbers.csv')
    expect(readFileSync(await saved.path(), 'utf8').split('\r\n')).toHaveLength(5)
  })

  test('makes an API key, whose secret is shown once and works within its scopes, and revokes it', async ({
    stage,
  }) => {
    const { page, context } = await stage.open()
    await register(page)
    await page.goto('/dashboard/projects')
    await page.getByRole('link', { name: 'Personal' }).click()
    await page.getByRole('button', { name: 'New key' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Create key' }).click()
    await expect.poll(() => dialog.getByLabel('Name').getAttribute('aria-invalid')).toBe('true')
    await dialog.getByLabel('Name').fill('Nightly import')
    await dialog.getByLabel('Files').selectOption('read')
    await dialog.getByLabel('Expires').selectOption('in 90 days')
    await dialog.getByRole('button', { name: 'Create key' }).click()
    await page.getByRole('dialog', { name: 'API key created' }).waitFor()
    const secret = (await page.locator('.secret code').textContent()) ?? ''
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByText('never used').waitFor()
    for (const text of ['Nightly import', 'jobs:write', 'files:read', 'expires in']) {
      await page.getByText(text).first().waitFor()
    }
    expect(await page.content()).not.toContain(secret)

    const headers = { authorization: `Bearer ${secret}` }
    const statusOf = async (path: string) => (await context.request.get(path, { headers })).status()
    expect([await statusOf('/jobs'), await statusOf('/schedules')]).toEqual([200, 403])
    await page.getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke it' }).click()
    await page.getByText('This project has none yet.').waitFor()
    await page.reload()
    await page.getByText('revoked the API key “Nightly import”').waitFor()
    await expect.poll(() => statusOf('/jobs')).toBe(401)
  })

  test('and a project have names that turn no sentence around in which they stand', async ({ stage }) => {
    const { page, context } = await stage.open()
    await register(page)
    const { accessToken } = await (await context.request.post('/dashboard/session/refresh')).json()
    const headers = { authorization: `Bearer ${accessToken}` }
    // Right to left, whatever comes next.
    const data = { name: 'A\u202Eb' }
    await context.request.patch('/auth/me', { headers, data })
    const made = await context.request.post('/projects', { headers, data })
    await page.goto(`/dashboard/projects/${(await made.json()).project.id}`)
    for (const [place, count] of [
      ['.audit p', 6],
      ['[aria-labelledby=members] p', 2],
    ] as const) {
      const paragraph = page.locator(place)
      await paragraph.waitFor()
      const lefts = await paragraph.evaluate(leftsOf, /\w\u202E|created|project|“|”|you/g)
      expect([place, lefts]).toEqual([place, lefts.toSorted((a, b) => a - b)])
      expect(lefts).toHaveLength(count)
    }
  })
})

/** Where what the pattern finds begins, in an element's text. It runs in the page. */
const leftsOf = (element: Element, pattern: RegExp): number[] => {
  const lefts: number[] = []
  const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT)
  const range = document.createRange()
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    for (const { index, 0: found } of `${node.textContent}`.matchAll(pattern)) {
      range.setStart(node, index)
      range.setEnd(node, index + found.length)
      lefts.push(range.getBoundingClientRect().left)
    }
  }
  return lefts
}
