import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { createMailFolder } from '../../lib/mail/folder.ts'
import { createSmtpMailer } from '../../lib/mail/smtp.ts'
import { startQueueProcesses } from '../../tests/support/queue-processes.ts'
import { jobIn, runInShortestStints, runKind } from '../../tests/support/run-kind.ts'
import { headerOf, type SmtpServerOptions, startSmtpServer } from '../../tests/support/smtp-server.ts'
import { temporaryFolder } from '../../tests/support/temporary-folder.ts'
import { test as base, type World } from '../../tests/support/world.ts'
import { mailSend } from './mail-send.ts'

const test = base.override({ environment: { MAIL_FROM: 'Stint <stint@example.org>' } })

/** A job in a project, whose mails go to a server of the test's own. */
const sending = async ({ anotherApp, sql }: World, options: SmtpServerOptions = {}) => {
  const server = await startSmtpServer(options)
  const projectId = newId()
  await sql`INSERT INTO projects (id, name) VALUES (${projectId}, 'A project')`
  const app = await anotherApp({ mailer: createSmtpMailer(server.url) })
  return { ...server, app, projectId, context: jobIn(app, projectId) }
}

const hello = { to: ['ben@example.com'], subject: 'Hello', text: 'Hello, Ben' }

describe('a mail', () => {
  test('comes as it was sent, and the result says who has it', async ({ world }) => {
    const { context, mails } = await sending(world)
    const input = { ...hello, cc: ['cem@example.com'], bcc: ['dan@example.com'], replyTo: 'ada@example.com' }
    const { result } = await runKind(mailSend, { input, context })
    const messageId = `${context.job.id}@example.org`
    const accepted = ['ben@example.com', 'cem@example.com', 'dan@example.com']
    expect(result).toEqual({ messageId, accepted, rejected: [] })
    const [mail] = mails
    expect(mails).toHaveLength(1)
    expect(mail).toMatchObject({ from: 'stint@example.org', to: accepted })
    expect(mail?.raw).toContain('Hello, Ben')
    const headers = ['From', 'To', 'Cc', 'Bcc', 'Reply-To', 'Subject', 'Message-ID', 'Auto-Submitted']
    expect(headers.map((name) => mail && headerOf(mail, name))).toEqual([
      'Stint <stint@example.org>',
      'ben@example.com',
      'cem@example.com',
      undefined,
      'ada@example.com',
      'Hello',
      `<${messageId}>`,
      'auto-generated',
    ])
    expect(mail?.raw).not.toContain('dan@example.com')
  })

  test('has values in the place of their names, which are no markup in html and no templates', async ({ world }) => {
    const { context, mails } = await sending(world)
    const values = { name: '<b>Ben & "Co"</b>', sum: 12, other: '{{sum}}' }
    const input = {
      ...hello,
      subject: '{{sum}} for you, {{ sum }}',
      text: 'Dear {{name}}, {{other}}',
      html: '<p title="{{name}}">Dear {{name}}</p>',
      values,
    }
    await runKind(mailSend, { input, context })
    const raw = mails[0]?.raw.replaceAll('=\r\n', '').replaceAll('=3D', '=')
    expect(headerOf({ raw: raw ?? '' }, 'Subject')).toBe('12 for you, 12')
    expect(raw).toContain('Dear <b>Ben & "Co"</b>, {{sum}}')
    const escaped = '&#60;b&#62;Ben &#38; &#34;Co&#34;&#60;/b&#62;'
    expect(raw).toContain(`<p title="${escaped}">Dear ${escaped}</p>`)
  })

  test('carries files of the project', async ({ world }) => {
    const { context, mails } = await sending(world)
    const bytes = Buffer.from('a,b\n1,2\n')
    const { fileId } = await context.files.write({ name: 'tä"ble\r\nX-Evil: 1.csv', contentType: 'text/csv', bytes })
    await runKind(mailSend, { input: { ...hello, attachments: [fileId] }, context })
    expect(mails[0]?.raw).toContain(bytes.toString('base64'))
    expect(mails[0]?.raw).not.toMatch(/^X-Evil/m)
  })

  test('goes once to an address that is named twice', async ({ world }) => {
    const { context, mails } = await sending(world)
    await runKind(mailSend, { input: { ...hello, cc: ['BEN@example.com', 'cem@example.com'] }, context })
    expect(mails[0]?.to).toEqual(['ben@example.com', 'cem@example.com'])
  })
})

describe('through as many stints as there are safe points', () => {
  test('it is sent once', async ({ world }) => {
    const { context, mails } = await sending(world)
    const { stints, result } = await runInShortestStints(mailSend, { input: hello, context })
    expect([stints, mails.length]).toEqual([3, 1])
    expect(result).toMatchObject({ accepted: ['ben@example.com'] })
  })

  test.for([
    ['as it stands', 'ben@example.com', 'cem@example.com', 'nobody@example.com'],
    ['in capitals', 'Ben@Example.COM', 'cem@Example.com', 'nobody@EXAMPLE.com'],
  ] as const)(
    'a recipient gets it once although others were deferred, with the domain %s',
    async ([, ben, cem, nobody], { world }) => {
      let busy = true
      const answerRecipient = (address: string) => {
        if (address.startsWith('nobody')) return '550 no such user'
        return busy && address.startsWith('cem') ? '450 later' : undefined
      }
      const { context, mails } = await sending(world, { answerRecipient })
      const input = { ...hello, to: [ben, cem, nobody] }
      const rejected = [{ address: nobody, reply: '550 no such user' }]
      const { checkpoint, safePoints } = await runKind(mailSend, { input, context, stopAt: 2 })
      expect(safePoints.at(-1)?.partial).toEqual({ accepted: [ben], rejected })
      await expect(runKind(mailSend, { input, context, checkpoint })).rejects.toMatchObject({
        code: 'MAIL_DEFERRED',
        message: 'one recipient was deferred: 450 later',
      })
      busy = false
      const { result } = await runKind(mailSend, { input, context, checkpoint })
      expect(result).toMatchObject({ accepted: [ben, cem], rejected })
      const inSmallLetters = (address: string) => address.replace(/@.*/, '@example.com')
      expect(mails.map(({ to }) => to)).toEqual([[inSmallLetters(ben)], [inSmallLetters(cem)]])
    },
  )
})

describe('a server', () => {
  test('that refuses everybody for good ends the job', async ({ world }) => {
    const { context } = await sending(world, { answerRecipient: () => '550 no such user' })
    await expect(runKind(mailSend, { input: hello, context })).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'MAIL_REJECTED',
      message: expect.stringContaining('550 no such user'),
    })
  })

  test('may answer at any length: what is kept of it can be stored', async ({ world }) => {
    const answerRecipient = (address: string) => (address.startsWith('nobody') ? `550 ${'a'.repeat(495)}😀` : undefined)
    const { context } = await sending(world, { answerRecipient })
    const input = { ...hello, to: ['ben@example.com', 'nobody@example.com'] }
    const { result } = await runKind(mailSend, { input, context })
    expect(result).toMatchObject({
      accepted: ['ben@example.com'],
      rejected: [{ reply: `550 ${'a'.repeat(495)}\ufffd` }],
    })
  })

  test('that refuses what the mail says ends the job', async ({ world }) => {
    const { context, mails } = await sending(world, { answerMail: () => '554 looks like spam' })
    await expect(runKind(mailSend, { input: hello, context })).rejects.toMatchObject({ code: 'MAIL_REJECTED' })
    expect(mails).toEqual([])
  })

  test('that is busy, or away, is tried again', async ({ world }) => {
    const { context, mails } = await sending(world, { answerMail: (_, nth) => (nth === 1 ? '451 later' : undefined) })
    const { checkpoint } = await runKind(mailSend, { input: hello, context, stopAt: 2 })
    await expect(runKind(mailSend, { input: hello, context })).resolves.toBeDefined()
    await runKind(mailSend, { input: hello, context, checkpoint })
    expect(mails).toHaveLength(2)

    const app = await world.anotherApp({ mailer: createSmtpMailer('smtp://127.0.0.1:1') })
    const away = runKind(mailSend, { input: hello, context: jobIn(app, newId()) })
    await expect(away).rejects.toMatchObject({ name: 'Error' })
  })
})

test('a worker that dies when the server has the mail sends it again, byte for byte with the same Message-ID', async ({
  world,
}) => {
  let kill = (): void => {}
  const answerMail = (_: unknown, nth: number) => void (nth === 1 && kill())
  const { mails, url } = await sending(world, { answerMail })
  const { accessToken: token } = await world.register()
  await world.sql`UPDATE users SET email_confirmed_at = now()`
  const processes = startQueueProcesses(world, {
    handlerFile: 'functions/queue/worker.ts',
    functionSeconds: 120,
    concurrency: 1,
    env: { SMTP_URL: url },
  })
  // The first one sends the mail. If that takes long, the pool starts another one, in reserve.
  kill = () => void process.kill(processes.pids[0] ?? 0, 'SIGKILL')
  const submitted = await world.http('POST', '/jobs', { token, body: { kind: 'mail.send', input: hello } })
  const get = async () => (await world.http('GET', `/jobs/${submitted.body.job.id}`, { token })).body.job
  await expect.poll(async () => (await get()).state).toBe('succeeded')
  expect(processes.deaths).toEqual([{ code: null, signal: 'SIGKILL' }])
  expect(mails).toHaveLength(2)
  expect(mails[1]).toEqual(mails[0])
  expect(await get()).toMatchObject({ stint: 2, attempt: 1 })
  const logs = await world.http('GET', `/jobs/${submitted.body.job.id}/logs`, { token })
  expect(logs.body.items).toMatchObject([{ level: 'warn', message: expect.stringContaining('same Message-ID') }])
})

describe('without a server', () => {
  test('mails become files that their owner alone may read', async ({ world }) => {
    const folder = temporaryFolder()
    const app = await world.anotherApp({ mailer: createMailFolder(join(folder, 'mail')) })
    const context = jobIn(app, newId())
    await runKind(mailSend, { input: hello, context })
    await runKind(mailSend, { input: hello, context })
    const names = readdirSync(join(folder, 'mail'))
    expect(names).toEqual([`${context.job.id}@example.org.eml`])
    expect(readFileSync(join(folder, 'mail', names[0] ?? ''), 'utf8')).toContain('Hello, Ben')
    expect(existsSync(join(folder, 'mail', `${names[0]}.new`))).toBe(false)
  })

  test('the folder keeps the newest mails, and whatever else is in it', async ({ world }) => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, '0-notes.txt'), 'a person’s own')
    const app = await world.anotherApp({ mailer: createMailFolder(folder, 2) })
    const contexts = [1, 2, 3].map(() => jobIn(app, newId()))
    for (const context of contexts) await runKind(mailSend, { input: hello, context })
    const newest = contexts.slice(1).map(({ job }) => `${job.id}@example.org.eml`)
    expect(readdirSync(folder).sort()).toEqual(['0-notes.txt', ...newest])
  })

  test('and without a folder, the job says that no mail is sent', async ({ world }) => {
    const context = jobIn(world.app, newId())
    await expect(runKind(mailSend, { input: hello, context })).rejects.toMatchObject({ code: 'MAIL_NOT_CONFIGURED' })
  })
})

describe('a project where mails leave the machine', () => {
  const real = test.override({ environment: { SMTP_URL: 'smtp://127.0.0.1:1' } })

  real('sends those of people who have confirmed their own email, whoever else owns it', async ({ world }) => {
    const eve = await world.register()
    const ada = await world.register()
    await world.sql`UPDATE users SET email_confirmed_at = now() WHERE id = ${ada.userId}`
    const owner = { token: eve.accessToken, body: { role: 'owner' } }
    const added = await world.http('PUT', `/projects/${eve.projectId}/members/${ada.userId}`, owner)
    expect(added.status).toBe(200)
    const send = async (token: string) => {
      const body = { kind: 'mail.send', input: hello, projectId: eve.projectId }
      const { body: submitted } = await world.http('POST', '/jobs', { token, body })
      return runKind(mailSend, { input: hello, context: jobIn(world.app, eve.projectId, { jobId: submitted.job.id }) })
    }
    await expect(send(eve.accessToken)).rejects.toMatchObject({ name: 'PermanentError', code: 'EMAIL_UNCONFIRMED' })
    // Nobody listens there.
    await expect(send(ada.accessToken)).rejects.toMatchObject({ name: 'Error' })
  })
})

describe('a project', () => {
  const slow = test.override({ environment: { MAIL_RATE_LIMIT_PER_MINUTE: '2' } })

  slow('that has sent as many mails as it may in a minute waits, and nobody else does', async ({ world }) => {
    const { app, mails, projectId } = await sending(world)
    const send = (project: string) => runKind(mailSend, { input: hello, context: jobIn(app, project) })
    await send(projectId)
    await send(projectId)
    await expect(send(projectId)).rejects.toMatchObject({ name: 'RetryLater', seconds: 30 })
    await send(newId())
    expect(mails).toHaveLength(3)
  })
})

const many = (count: number) => Array.from({ length: count }, (_, n) => `person-${n}@example.com`)

test.for<[object, string]>([
  [{ ...hello, to: [] }, 'to'],
  [{ ...hello, to: ['ben@example.com\r\nBcc: eve@example.com'] }, 'to.0'],
  [{ ...hello, to: ['Ben <ben@example.com>'] }, 'to.0'],
  [{ ...hello, to: ['ben@example.com, eve@example.com'] }, 'to.0'],
  [{ ...hello, replyTo: 'ada@example.com\nBcc: eve@example.com' }, 'replyTo'],
  [{ ...hello, subject: 'Hello\r\nBcc: eve@example.com' }, 'subject'],
  [{ ...hello, subject: 'Hello {{name}}', values: { name: 'Ben\r\nBcc: eve@example.com' } }, 'subject'],
  [{ ...hello, subject: 'Hello \u2028' }, 'subject'],
  [{ ...hello, subject: '' }, 'subject'],
  [{ ...hello, subject: '{{name}}', values: { name: 'x'.repeat(201) } }, 'subject'],
  [{ ...hello, text: undefined }, 'text'],
  [{ ...hello, text: '{{name}}' }, 'text'],
  [{ ...hello, text: '{{toString}}' }, 'text'],
  [{ ...hello, html: '{{name}}' }, 'html'],
  [{ ...hello, text: '{{a}}'.repeat(101), values: { a: 'x'.repeat(10_000) } }, 'text'],
  [{ ...hello, html: '{{a}}'.repeat(10_000), values: { a: '&'.repeat(10_000) } }, 'html'],
  [{ ...hello, values: { 'a b': 1 } }, 'values.a b'],
  [{ ...hello, attachments: ['../../etc/passwd'] }, 'attachments.0'],
  [{ ...hello, to: many(51) }, 'to'],
  [{ ...hello, to: many(30), cc: many(21) }, 'to'],
  [{ ...hello, from: 'eve@example.com' }, ''],
])('refuses %j and names the field', ([input, path]) => {
  expect(mailSend.input.safeParse(input).error?.issues[0]?.path.join('.')).toBe(path)
})
