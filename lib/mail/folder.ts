import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mailer } from './mailer.ts'

const MAX_MAILS = 10_000

/**
 * Sends no mail: each becomes a file, which any mail program opens. A mail that is sent again replaces its file. As in a
 * delivered mail, no header names the Bcc recipients. The folder keeps the newest `maxMails`.
 */
export const createMailFolder = (folder: string, maxMails = MAX_MAILS): Mailer => ({
  send: async ({ messageId, bytes }, { to }) => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const file = join(folder, `${messageId.replaceAll(/[^\w.@-]/g, '_')}.eml`)
    // So that nobody finds half a mail.
    await writeFile(`${file}.new`, bytes, { mode: 0o600 })
    await rename(`${file}.new`, file)
    await removeOldest(folder, maxMails)
    return { accepted: to, rejected: [], deferred: [] }
  },
  close: () => {},
})

/** Their names begin with the ids of their jobs, and so are in the order of time. Other files are none of ours. */
const removeOldest = async (folder: string, keep: number): Promise<void> => {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.eml')).sort()
  for (const name of names.slice(0, -keep)) await rm(join(folder, name), { force: true })
}
