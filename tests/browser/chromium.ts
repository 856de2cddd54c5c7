import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

/** Debian's; `CHROMIUM_PATH` names another. */
export const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'

/** Without it the tests say so and are skipped. CI installs it. */
export const hasChromium =
  existsSync(CHROMIUM) || (process.env['CI'] === 'true' && !process.env['STINT_WITHOUT_CHROMIUM'])

/** Starts a browser that asks for nothing but what a page asks for. */
export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--font-render-hinting=none',
    ],
  })
