#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { useCompileCache } from '../local/shared/compile-cache.ts'
import { EXIT, type Io } from './io.ts'

// `npm run stint -- COMMAND`. What is imported before the cache is in use would be compiled at every start.

useCompileCache()
const [{ run }, { createPrompt }] = await Promise.all([import('./program.ts'), import('./terminal.ts')])

if (existsSync('.env')) process.loadEnvFile('.env')
const interrupted = new AbortController()
const isTerminal = process.stdin.isTTY && process.stdout.isTTY
const io: Io = {
  env: process.env,
  out: (text) => console.log(text),
  err: (text) => console.error(text),
  signal: interrupted.signal,
  terminal: isTerminal ? createPrompt(process.stdin, process.stdout) : undefined,
}
process.once('SIGINT', () => interrupted.abort())
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // It is no error if the reader has read enough (`| head`).
  if (error.code === 'EPIPE') process.exit(EXIT.ok)
  console.error(`The output cannot be written: ${error.message}`)
  process.exit(EXIT.usage)
})
process.exitCode = await run(process.argv.slice(2), io)
// What the command waited for would keep the process alive. Listeners of the signal restore the terminal first.
if (interrupted.signal.aborted) setImmediate(() => process.exit())
