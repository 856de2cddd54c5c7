import { mkdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { type Credentials, refreshing } from '../../lib/client/credentials.ts'
import { acquireLock, type Lock } from '../local/shared/lock.ts'
import { writePrivate } from '../local/shared/write-private.ts'
import { CommandError, EXIT } from './io.ts'

const file = z.object({
  /** The API that commands go to when none is named. */
  current: z.string().optional(),
  sessions: z.record(z.string(), z.object({ email: z.string(), accessToken: z.string(), refreshToken: z.string() })),
})

export type KeptCredentials = z.infer<typeof file>
export type KeptSession = KeptCredentials['sessions'][string]

const NOTHING: KeptCredentials = { sessions: {} }

/** `$XDG_CONFIG_HOME/stint/credentials.json`, which only its owner may read. */
export const credentialsPath = (env: Record<string, string | undefined>): string =>
  join(env['XDG_CONFIG_HOME'] || join(env['HOME'] || homedir(), '.config'), 'stint', 'credentials.json')

export const readCredentials = async (path: string): Promise<KeptCredentials> => {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    // The only error of reading a file whose message doesn't name the file.
    if (error.code === 'EISDIR') throw noCredentials(path, error)
    throw error
  })
  return text === undefined ? NOTHING : parse(text, path)
}

const parse = (text: string, path: string): KeptCredentials => {
  try {
    return file.parse(JSON.parse(text))
  } catch (cause) {
    throw noCredentials(path, cause)
  }
}

const noCredentials = (path: string, cause: unknown): CommandError =>
  new CommandError(`${path} holds no credentials. Move it away, and sign in again.`, EXIT.usage, { cause })

/** Changes the file. Two processes do it one after the other; a reader gets either the old or the new contents. */
export const changeCredentials = async (
  path: string,
  change: (kept: KeptCredentials) => Promise<KeptCredentials> | KeptCredentials,
): Promise<KeptCredentials> => {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const lock = await takeLock(folder)
  try {
    const changed = await change(await readCredentials(path))
    await writePrivate(path, changed)
    return changed
  } finally {
    lock.release()
  }
}

/** Waits until no other process holds the lock. A killed process's lock is free at once. */
const takeLock = async (folder: string): Promise<Lock> => {
  for (;;) {
    const lock = acquireLock(folder)
    if (lock) return lock
    await sleep(20 + Math.random() * 30)
  }
}

/**
 * The kept session of an API. A refresh token is good for one exchange, so whoever needs another access token first
 * looks whether another process has got one meanwhile.
 */
export const keptCredentials = (path: string, url: string, session: KeptSession): Credentials => {
  let held = session
  return {
    current: () => held.accessToken,
    renew: async (refused) => {
      let next: string | undefined
      await changeCredentials(path, async (kept) => {
        const latest = kept.sessions[url]
        if (!latest) return kept
        held = latest
        next = latest.accessToken
        if (latest.accessToken !== refused) return kept
        const exchange = refreshing({ baseUrl: url, tokens: latest })
        next = await exchange.renew(refused)
        const { [url]: _, ...others } = kept.sessions
        if (next === undefined) return { ...kept, sessions: others }
        held = { ...latest, accessToken: next, refreshToken: exchange.refreshToken() ?? '' }
        return { ...kept, sessions: { ...others, [url]: held } }
      })
      return next
    },
  }
}
