import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Removes what a kill in the middle of an upload left in fauxqs's folder: an object is a `.data` and a `.meta.json` file,
 * written one after the other, and a torn `.meta.json` keeps fauxqs from starting. Nobody was told that such an upload had
 * succeeded.
 */
export const dropTornObjects = async (storage: string): Promise<void> => {
  const buckets = join(storage, 'buckets')
  await rm(join(storage, '_multipart'), { recursive: true, force: true })
  await mkdir(buckets, { recursive: true })
  for (const bucket of await readdir(buckets)) {
    await repairBucket(join(buckets, bucket), bucket)
    const objects = join(buckets, bucket, 'objects')
    if (!existsSync(objects)) continue
    for (const entry of await readdir(objects, { recursive: true })) {
      if (entry.endsWith('.meta.json')) await dropIfTorn(join(objects, entry))
    }
  }
}

const repairBucket = async (folder: string, name: string): Promise<void> => {
  const file = join(folder, '.bucket.json')
  if ((await readJson(file)) !== undefined) return
  await writeFile(file, JSON.stringify({ name, creationDate: new Date().toISOString(), type: 'general-purpose' }))
}

const dropIfTorn = async (metaFile: string): Promise<void> => {
  const dataFile = metaFile.replace(/\.meta\.json$/, '.data')
  const meta = (await readJson(metaFile)) as { contentLength?: number } | undefined
  const sizeBytes = await stat(dataFile).then(
    (found) => found.size,
    () => undefined,
  )
  if (meta && meta.contentLength === sizeBytes) return
  await rm(metaFile, { force: true })
  await rm(dataFile, { force: true })
}

const readJson = async (file: string): Promise<unknown> => {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch {
    return undefined
  }
}
