import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** What reads the files in Docker Compose 2.40. */
const MODULE = 'github.com/compose-spec/compose-go/v2'
const VERSION = 'v2.9.1'

const runs = (command: string, args: string[]): boolean => spawnSync(command, args, { stdio: 'ignore' }).status === 0

/** Docker Compose or, in CI, which may take the time and the network, the part of it that Go's module proxy brings. */
const reader = (): ((files: string[]) => [command: string, args: string[]]) | undefined => {
  if (runs('docker', ['compose', 'version']))
    return (files) => ['docker', ['compose', ...files.flatMap((file) => ['--file', file]), 'config']]
  if (process.env['CI'] && runs('go', ['mod', 'download', `${MODULE}@${VERSION}`]))
    return (files) => ['go', ['run', `${MODULE}/cmd@${VERSION}`, ...files]]
  return undefined
}
const read = reader()

export const canReadCompose = read !== undefined

/** What Docker Compose makes of files laid over each other. @throws with what it says against them */
export const readCompose = (...files: string[]): string => {
  if (!read) throw new Error('there is neither Docker Compose nor Go')
  const [command, args] = read(files)
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: ROOT, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return stdout
}
