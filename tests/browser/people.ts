import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { expect } from 'vitest'
import { run } from '../../infra/cli/program.ts'
import type { Stage } from './stage.ts'

export const PASSWORD = 'correct horse battery'

const emailOf = (name: string): string => `${name.toLowerCase()}-${randomBytes(4).toString('hex')}@example.com`

/** Makes an account whose owner is signed in in the page's window. No page is opened yet. @returns the email */
export const register = async (page: Page, name = 'Ada'): Promise<string> => {
  const data = { email: emailOf(name), password: PASSWORD, name }
  const answer = await page.context().request.post('/dashboard/session/registration', { data })
  expect(answer.status()).toBe(201)
  return data.email
}

/** Makes an account as a person does: at the form, which leads to the overview. */
export const registerAtForm = async (page: Page, name: string): Promise<void> => {
  await page.goto('/')
  await page.getByRole('button', { name: 'Create an account' }).click()
  await page.getByLabel('Name').fill(name)
  await page.getByLabel('Email').fill(emailOf(name))
  await page.getByLabel('Password').fill(PASSWORD)
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.getByRole('heading', { name: 'Overview' }).waitFor()
}

/** Asks the API as whoever is signed in in a window: a program of the same person. */
export const programOf = async ({ request }: BrowserContext) => {
  const { accessToken } = await (await request.post('/dashboard/session/refresh')).json()
  const headers = { authorization: `Bearer ${accessToken}` }
  return {
    get: async (path: string) => (await request.get(path, { headers })).json(),
    post: async (path: string, data: object) => (await request.post(path, { headers, data })).json(),
  }
}

/** Makes somebody an admin, which only the command line can. */
export const makeAdmin = async ({ dataDir }: Stage, email: string): Promise<void> => {
  const said: string[] = []
  const io = { env: { STINT_DATA_DIR: dataDir }, out: () => {}, err: (text: string) => void said.push(text) }
  expect([await run(['admin', 'add', email], io), said]).toEqual([0, []])
}

/** Waits for the mail to somebody that leads to a page of the dashboard. @returns the link in it */
export const linkFromMail = async ({ dataDir }: Stage, email: string, page: string): Promise<string> => {
  const folder = join(dataDir, 'mail')
  const find = (): string | undefined => {
    const names = readdirSync(folder).filter((name) => name.endsWith('.eml'))
    const mails = names.map((name) => readFileSync(join(folder, name), 'utf8'))
    const own = mails.filter((mail) => mail.includes(`To: ${email}`)).map((mail) => mail.replaceAll(/=\r?\n/g, ''))
    return own.flatMap((mail) => mail.match(new RegExp(`http://localhost:\\d+${page}#[\\w-]{43}`)) ?? [])[0]
  }
  await expect.poll(find).toBeDefined()
  return find() ?? ''
}

/** Opens a kind's form, and fills its fields by their names in the API. */
export const fillForm = async (page: Page, kind: string, fields: Record<string, string>): Promise<void> => {
  await page.goto(`/dashboard/new?kind=${kind}`)
  await page.getByRole('form', { name: kind }).waitFor()
  for (const [name, value] of Object.entries(fields)) {
    const field = page.locator(`[name="${name}"]`)
    if ((await field.evaluate((it) => it.tagName)) === 'SELECT') await field.selectOption(value)
    else await field.fill(value)
  }
}

/** Submits the form that is filled. @returns the job's id, from the address to which it leads */
export const submit = async (page: Page): Promise<string> => {
  await page.getByRole('button', { name: 'Submit', exact: true }).click()
  await page.waitForURL(/\/dashboard\/jobs\/[0-9a-f-]{36}$/)
  return page.url().split('/').at(-1) ?? ''
}

/** Waits, without a reload, until the page of a job says that it is so. */
export const waitForState = (page: Page, state: string): Promise<void> =>
  page.locator(`section[aria-label="Status"][data-state="${state}"]`).waitFor()

/** How much of the job is done, as its page says just now, 0 to 1. */
export const progressOf = async (page: Page): Promise<number> =>
  Number(await page.getByRole('progressbar', { name: 'Progress', exact: true }).getAttribute('value'))

/** Puts something into a page's window that a reload would take away. */
export const markLoaded = (page: Page): Promise<void> =>
  page.evaluate(() => {
    Object.assign(globalThis, { stillHere: true })
  })

/** Whether the page is the one that was marked. */
export const isStillLoaded = (page: Page): Promise<boolean> => page.evaluate(() => 'stillHere' in globalThis)
