import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mailer } from './mailer.ts'

/**
 * Sends no mail: each becomes a file, which any mail program opens. A mail that is sent again replaces its file. As in a
 * delivered mail, no header names the Bcc recipients.
 */
export const createMailFolder = (folder: string): Mailer => ({
  send: async ({ messageId, bytes }, { to }) => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const file = join(folder, `${messageId.replaceAll(/[^\w.@-]/g, '_')}.eml`)
    // So that nobody finds half a mail.
    await writeFile(`${file}.new`, bytes, { mode: 0o600 })
    await rename(`${file}.new`, file)
    return { accepted: to, rejected: [], deferred: [] }
  },
  close: () => {},
})
