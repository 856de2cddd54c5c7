import { expect, test } from 'vitest'
import { readHostConfig } from './host-config.ts'

test('an empty environment gives the defaults', () => {
  expect(readHostConfig({})).toEqual({
    port: 3_000,
    trustedProxies: [],
    dataDir: '.stint',
    functionTimeoutSeconds: undefined,
    concurrency: undefined,
    chaosSeed: undefined,
    logLevel: 'info',
  })
})

test('an empty variable counts as one that is not set', () => {
  expect(readHostConfig({ PORT: '', STINT_LOCAL_CONCURRENCY: '' })).toMatchObject({
    port: 3_000,
    concurrency: undefined,
  })
})

test('variables are read by name, and strangers are ignored', () => {
  const env = { PORT: '0', STINT_DATA_DIR: '/tmp/x', STINT_FUNCTION_TIMEOUT_SECONDS: '3', PATH: '/bin' }
  expect(readHostConfig(env)).toMatchObject({ port: 0, dataDir: '/tmp/x', functionTimeoutSeconds: 3 })
})

test('every wrong variable is named, not only the first', () => {
  const env = { PORT: '70000', STINT_FUNCTION_TIMEOUT_SECONDS: '0', STINT_LOCAL_CONCURRENCY: 'many', LOG_LEVEL: 'loud' }
  expect(() => readHostConfig(env)).toThrow(
    /4 problem.*PORT: .*STINT_FUNCTION_TIMEOUT_SECONDS: .*STINT_LOCAL_CONCURRENCY: must be a number, not "many".*LOG_LEVEL: /s,
  )
})

test('proxies are addresses and networks', () => {
  const read = (text: string) => readHostConfig({ STINT_TRUSTED_PROXIES: text }).trustedProxies
  expect(read('127.0.0.1, 10.0.0.0/8,fd00::/8')).toEqual(['127.0.0.1', '10.0.0.0/8', 'fd00::/8'])
  for (const wrong of ['proxy.example', '10.0.0.0/33', '1'])
    expect(() => read(wrong)).toThrow(/STINT_TRUSTED_PROXIES.*: expected addresses, or networks such as 10\.0\.0\.0\/8/)
})
