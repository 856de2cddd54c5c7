#!/usr/bin/env node
import { existsSync } from 'node:fs'
import { run } from './program.ts'

// `npm run stint -- COMMAND`

if (existsSync('.env')) process.loadEnvFile('.env')
process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  out: (text) => console.log(text),
  err: (text) => console.error(text),
})
