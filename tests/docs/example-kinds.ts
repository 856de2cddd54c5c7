import { z } from 'zod'
import { defineJob } from '../../lib/jobs/define.ts'

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
