import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mailer } from './mailer.ts'

/**
 * Mails that go nowhere: each becomes a file, which any mail program opens. A mail that is sent again replaces its file.
 * Bcc recipients stand in no header, as in a mail that was delivered.
 */
export const createMailFolder = (folder: string): Mailer => ({
  send: async ({ messageId, bytes }, { to }) => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const file = join(folder, `${messageId.replaceAll(/[^\w.@-]/g, '_')}.eml`)
    // Whole or not at all, whoever looks at the folder.
    await writeFile(`${file}.new`, bytes, { mode: 0o600 })
    await rename(`${file}.new`, file)
    return { accepted: to, rejected: [], deferred: [] }
  },
  close: () => {},
})
