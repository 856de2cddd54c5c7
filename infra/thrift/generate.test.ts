import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { generate, isInstalled, TARGET } from './generate.ts'

test.skipIf(!isInstalled())('functions/rpc/idl.ts is what the Thrift compiler makes of the IDL: npm run thrift', () => {
  expect(readFileSync(TARGET, 'utf8')).toBe(generate())
})
