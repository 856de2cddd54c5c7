import { chmodSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/**
 * Makes a temporary folder for a stack or a database that is thrown away. If we are root, PostgreSQL runs as another user, so
 * everybody may pass through it.
 * @param purpose a part of its name, for people who look at what is left over
 * @param within where it is made
 */
export const scratchFolder = (purpose: string, within = tmpdir()): string => {
  const folder = mkdtempSync(join(within, `stint-${purpose}-`))
  chmodSync(folder, 0o711)
  return folder
}
