import { open, rename } from 'node:fs/promises'

/** Writes a file, as JSON, that only its owner may read. A reader finds the old contents or the new ones, also after a kill. */
export const writePrivate = async (path: string, value: unknown): Promise<void> => {
  const written = await open(`${path}.new`, 'w', 0o600)
  await written.writeFile(`${JSON.stringify(value, undefined, 2)}\n`)
  // Otherwise a power cut could leave an empty file.
  await written.sync()
  await written.close()
  await rename(`${path}.new`, path)
}
