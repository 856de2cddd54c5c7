import { z } from 'zod'
import { defineJob, MAX_DELAY_SECONDS, RetryLater } from '../../lib/jobs/define.ts'

export const siteRead = defineJob({
  kind: 'site.read',
  summary: 'Reads pages, and mails somebody when all of them are read',
  input: z.strictObject({ urls: z.array(z.url()).min(1), to: z.email() }),
  output: z.object({ pages: z.array(z.string()), mail: z.string() }),
  async *run({ input: { urls, to }, submit }) {
    const pages = await Promise.all(
      urls.map((url, nth) => submit(`page ${nth}`, { kind: 'page.parse', input: { url }, maxAttempts: 5 })),
    )
    const mail = await submit('mail', {
      kind: 'mail.send',
      input: { to: [to], subject: 'Your pages are read', text: `There are ${urls.length} of them.` },
      after: pages,
      onParentFailure: 'run',
    })
    return { pages, mail }
  },
})

export const orderPlace = defineJob({
  kind: 'order.place',
  summary: 'Waits a day, then asks somebody whether an order may be sent',
  input: z.strictObject({ approver: z.email(), supplier: z.email(), text: z.string() }),
  output: z.object({ order: z.string() }),
  checkpoint: z.object({ waited: z.boolean() }),
  async *run({ input: { approver, supplier, text }, checkpoint, submit }) {
    if (!checkpoint) {
      yield { checkpoint: { waited: true } }
      throw new RetryLater(24 * 60 * 60, 'until tomorrow it can be cancelled')
    }
    const mail = { kind: 'mail.send', input: { to: [supplier], subject: 'Our order', text } }
    const order = await submit('order', { ...mail, delaySeconds: MAX_DELAY_SECONDS })
    const question = `Shall this be sent? Start or cancel the job ${order}.\n\n${text}`
    await submit('ask', { kind: 'mail.send', input: { to: [approver], subject: 'An order', text: question } })
    return { order }
  },
})
