import { mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { test as base, describe } from 'vitest'
import { type Stack, startStack } from '../../infra/local/stack.ts'
import { stackFolder } from '../support/stack-folder.ts'
import { CHROMIUM, hasChromium, launch } from './chromium.ts'

/** As long as a busy machine may take for a page to show what it should. */
export const PATIENCE_MS = 60_000
const START_MS = 180_000

/** Pictures of every page; CI keeps them. */
export const SCREENSHOTS = fileURLToPath(new URL('../../coverage/screenshots/', import.meta.url))
mkdirSync(SCREENSHOTS, { recursive: true })

/** A running stack, and a browser that looks at it. */
export interface Stage {
  stack: Stack
  /** The stack's data folder. */
  dataDir: string
  browser: Browser
  /** Somebody's browser window, signed in to nothing; what goes wrong in its page fails the test. */
  open(options?: BrowserContextOptions): Promise<Window>
}

export interface Window {
  page: Page
  context: BrowserContext
}

interface Fixtures {
  stage: Stage
}

/** vitest's `test`, with one stack and one browser for all tests of a file. */
export const test = base.extend<Fixtures>({
  stage: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads what a fixture needs from its first parameter
    async ({}, use) => {
      const dataDir = stackFolder('browser')
      const env = {
        STINT_FUNCTION_TIMEOUT_SECONDS: '20',
        AUTH_RATE_LIMIT_PER_MINUTE: '1000',
        // Jobs may read the stack's own pages.
        WEB_ALLOWED_HOSTS: 'localhost',
        STINT_CHAOS: '',
      }
      try {
        const stack = await startStack({ dataDir, env })
        const browser = await launch()
        await use({ stack, dataDir, browser, open: (options) => openWindow(browser, stack.url, options) })
        await browser.close()
        await stack.stop()
      } finally {
        rmSync(dataDir, { recursive: true, force: true })
      }
    },
    { scope: 'file' },
  ],
})

/** Skipped, with a warning, where there is no Chromium. CI has it. */
export const describeInBrowser = (name: string, tests: () => void): void => {
  if (!hasChromium) console.warn(`${name}: skipped, there is no ${CHROMIUM} (apt-get install chromium)`)
  describe.skipIf(!hasChromium)(name, { timeout: START_MS }, tests)
}

const openWindow = async (browser: Browser, baseURL: string, options: BrowserContextOptions = {}): Promise<Window> => {
  const context = await browser.newContext({ baseURL, viewport: { width: 1_280, height: 900 }, ...options })
  context.setDefaultTimeout(PATIENCE_MS)
  const page = await context.newPage()
  page.on('pageerror', (error) => {
    throw error
  })
  page.on('console', (message) => {
    // The browser logs these errors when nobody is signed in yet, or the network is gone: they are no faults of the page.
    if (message.type() === 'error' && !/Failed to load resource|^WebSocket connection to/.test(message.text()))
      throw new Error(message.text())
  })
  return { page, context }
}
