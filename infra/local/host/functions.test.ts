import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { MountError, mountHttp, mountSchedules } from './functions.ts'
import { readRoutingTable } from './routing-table.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
const table = readRoutingTable(`${ROOT}/serverless.yml`)

test('every function of the routing table can be mounted', async () => {
  const routes = await mountHttp(ROOT, table.http)
  const schedules = await mountSchedules(ROOT, table.schedules)
  expect(routes.map(({ method, path }) => `${method} ${path}`)).toContain('POST /jobs')
  expect(schedules.map(({ functionName }) => functionName)).toEqual(expect.arrayContaining(['sweep', 'relay']))
})

const entry = {
  functionName: 'things',
  handlerFile: 'functions/http/system.ts',
  exportName: 'handler',
  timeoutSeconds: 10,
}

test('an export that is missing, or isn’t what its trigger needs, is named', async () => {
  const missing = { ...entry, exportName: 'nothing', method: 'GET', path: '/things' }
  await expect(mountHttp(ROOT, [missing])).rejects.toThrow(MountError)
  await expect(mountHttp(ROOT, [missing])).rejects.toThrow('nothing of functions/http/system.ts is no function')
  await expect(mountSchedules(ROOT, [{ ...entry, rate: 'rate(1 minute)' }])).rejects.toThrow(
    'handler of functions/http/system.ts is no function made by every()',
  )
})
