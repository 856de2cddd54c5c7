import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, globSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PLANNING } from '../../infra/local/components/postgres.ts'
import { demand, freePorts, MissingError, type Running, startProcess, userOf } from './component.ts'

const ROLE = 'stint'
const PASSWORD = 'stint'

/** The oldest that Stint runs on. */
const OLDEST = 15

/** The oldest PostgreSQL that Debian's packages have put here and that will do, with a cluster of its own. */
export const startDebianPostgres = async ({
  folder,
}: {
  folder: string
}): Promise<Running & { version: number; adminUrl: string; port: number }> => {
  const installed = globSync('/usr/lib/postgresql/*/bin/initdb').map((path) => Number(path.split('/')[4]))
  const [version] = installed.filter((it) => it >= OLDEST).toSorted((a, b) => a - b)
  if (version === undefined)
    throw new MissingError(`there is no PostgreSQL ${OLDEST} or later: apt-get install postgresql`)
  const programs = `/usr/lib/postgresql/${version}/bin`
  const [port = 0] = await freePorts(1)
  const user = userOf('postgres')
  const home = folderOf(user, join(folder, 'postgres'))
  const password = join(home, 'password')
  writeFileSync(password, PASSWORD, { mode: 0o644 })
  const data = join(home, 'data')
  const made = spawnSync(
    join(programs, 'initdb'),
    [
      '--pgdata',
      data,
      '--username',
      ROLE,
      '--auth',
      'scram-sha-256',
      '--pwfile',
      password,
      '--encoding',
      'UTF8',
      '--no-sync',
    ],
    { encoding: 'utf8', cwd: home, ...user },
  )
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`)
  const server = {
    port: String(port),
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '300',
    fsync: 'off',
    ...PLANNING,
  }
  const running = await startProcess({
    command: join(programs, 'postgres'),
    args: ['-D', data, ...Object.entries(server).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    log: join(folder, 'postgres.log'),
    user,
    isReady: async () => spawnSync('pg_isready', ['-h', '127.0.0.1', '-p', String(port)]).status === 0,
  })
  return { ...running, version, port, adminUrl: urlAt(port) }
}

/** PgBouncer in transaction mode in front of a server: what RDS Proxy is on AWS. */
export const startPgBouncer = async (
  postgresPort: number,
  { folder }: { folder: string },
): Promise<Running & { databaseUrl: string }> => {
  demand('pgbouncer', 'apt-get install pgbouncer')
  const [port = 0] = await freePorts(1)
  const user = userOf('postgres')
  const home = folderOf(user, join(folder, 'pgbouncer'))
  const settings = join(home, 'pgbouncer.ini')
  writeFileSync(
    settings,
    `[databases]
* = host=127.0.0.1 port=${postgresPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = plain
auth_file = ${home}/users.txt
pool_mode = transaction
max_client_conn = 1000
default_pool_size = 20
server_idle_timeout = 5
ignore_startup_parameters = extra_float_digits
`,
  )
  writeFileSync(join(home, 'users.txt'), `"${ROLE}" "${PASSWORD}"\n`)
  const running = await startProcess({
    command: 'pgbouncer',
    args: [settings],
    log: join(folder, 'pgbouncer.log'),
    user,
    isReady: async () => spawnSync('pg_isready', ['-h', '127.0.0.1', '-p', String(port)]).status === 0,
  })
  return { ...running, databaseUrl: urlAt(port) }
}

const urlAt = (port: number): string => `postgres://${ROLE}:${PASSWORD}@127.0.0.1:${port}/postgres?sslmode=disable`

const folderOf = (user: { uid: number; gid: number } | undefined, path: string): string => {
  mkdirSync(path, { recursive: true })
  chmodSync(path, 0o755)
  if (user) chownSync(path, user.uid, user.gid)
  return path
}
