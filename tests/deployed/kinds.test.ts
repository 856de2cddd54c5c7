import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { documents } from '../docs/markdown.ts'
import { follow, openShell, stepsOf } from '../docs/shell.ts'
import { openStage, register, type Somebody, type Stage } from './stage.ts'

// The examples of the kinds' pages, typed into a shell, against a stage that runs elsewhere, or on components that do.
// With those of this machine tests/docs/session.test.ts does so.

const LONG = { timeout: 300_000 }

const folder = mkdtempSync(join(tmpdir(), 'stint-kinds-'))
afterAll(async () => {
  // Undefined when none of this runs, or it could not be opened.
  await stage?.stop()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

/** A stage sends no mails for somebody whose own address nobody has confirmed. */
const NOT_FOR_STRANGERS = 'docs/kinds/mail.send.md'
/** It reports on a project in which nothing has run yet. */
const FIRST = 'docs/kinds/report.build.md'
const pages = documents
  .filter((it) => it.startsWith('docs/kinds/') && it !== NOT_FOR_STRANGERS)
  .toSorted((a, b) => Number(b === FIRST) - Number(a === FIRST))

const runs = process.env['STINT_URL'] !== undefined || process.env['STINT_TEST_STACK'] !== undefined
const typed = test.runIf(runs)

let stage: Stage
let ada: Somebody
beforeAll(async () => {
  if (!runs) return
  stage = await openStage()
  // One account for all tests: a stage limits registrations.
  ada = await register(stage)
}, LONG.timeout)

typed.for(pages)('the example in %s goes as it is shown', LONG, async (page) => {
  const shell = await openShell(stage.url, join(folder, page.slice('docs/kinds/'.length)))
  const photo = sharp({ create: { width: 1_200, height: 800, channels: 3, background: '#c03040' } })
  await photo.jpeg().toFile(join(shell.folder, 'photo.jpg'))
  await shell.type(`TOKEN=${ada.token}`)
  await follow(shell, stepsOf(page))
})

typed('mails are sent for nobody whose address is not confirmed', LONG, async () => {
  const { client } = ada
  const input = { to: ['nobody@example.com'], subject: 'A scenario', text: 'Nobody gets it.' }
  const { job } = await client.call('POST /jobs', { body: { kind: 'mail.send', input } })
  const read = async () => (await client.call('GET /jobs/{jobId}', { params: { jobId: job.id } })).job
  await expect.poll(async () => (await read()).state, { timeout: 150_000 }).toMatch(/succeeded|failed/)
  const { state, error } = await read()
  // On one machine mails are files, and anybody may write those.
  if (state === 'failed') expect(['EMAIL_UNCONFIRMED', 'MAIL_NOT_CONFIGURED']).toContain(error?.code)
})
