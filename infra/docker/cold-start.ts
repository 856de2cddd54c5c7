import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { bundle, functionFiles } from './bundle.ts'
import { loadedBytes } from './loaded.ts'

// `npm run coldstart`: how much code each function loads before its first invocation, and what that takes. The time of
// the CPU is what a busy machine tells least wrong; Lambda gives a whole one while a function starts.

const { values } = parseArgs({ options: { repetitions: { type: 'string', default: '9' } } })

interface Import {
  ms: number
  cpuMs: number
}

const folder = mkdtempSync(join(tmpdir(), 'stint-cold-start-'))
const CACHE = join(folder, 'compile-cache')

/** One import in a process of its own, which has loaded nothing else. */
const importOnce = (path: string, env: Record<string, string>): Import => {
  const code = `
    const before = process.cpuUsage(), start = performance.now()
    await import(${JSON.stringify(pathToFileURL(join(folder, path)).href)})
    const ms = performance.now() - start, { user, system } = process.cpuUsage(before)
    console.log(JSON.stringify({ ms, cpuMs: (user + system) / 1_000 }))
    process.exit()`
  const options = { env: { PATH: process.env['PATH'], ...env }, encoding: 'utf8' } as const
  return JSON.parse(execFileSync(process.execPath, ['--input-type=module', '--eval', code], options)) as Import
}

const medianOf = (path: string, env: Record<string, string> = {}): Import => {
  const all = Array.from({ length: Number(values.repetitions) }, () => importOnce(path, env))
  const middle = (of: (it: Import) => number) =>
    all.map(of).toSorted((a, b) => a - b)[Math.floor(all.length / 2)] ?? Number.NaN
  return { ms: middle((it) => it.ms), cpuMs: middle((it) => it.cpuMs) }
}

try {
  const { outputs } = await bundle(folder)
  console.log('| function | KB | import, ms | of it CPU | with kept code, ms | of it CPU |\n|---|--:|--:|--:|--:|--:|')
  for (const file of functionFiles()) {
    const path = `${file}.mjs`
    const plain = medianOf(path)
    importOnce(path, { NODE_COMPILE_CACHE: CACHE })
    const kept = medianOf(path, { NODE_COMPILE_CACHE: CACHE })
    const numbers = [loadedBytes(outputs, path) / 1_000, plain.ms, plain.cpuMs, kept.ms, kept.cpuMs]
    console.log(`| ${[file, ...numbers.map((it) => it.toFixed(0))].join(' | ')} |`)
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
