import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts'
import { startChild } from './component.ts'

const child = (options: unknown) =>
  startChild({ name: 'part', entry: 'kafka-process.ts', env: { RUST_LOG: 'off' }, options, readySeconds: 30 })

test('a process that waits for its options starts when they are there', async () => {
  const options = Promise.withResolvers<object>()
  let isReady = false
  const starting = child(options.promise).then((it) => {
    isReady = true
    return it
  })
  const ready = await child({})
  expect(isReady).toBe(false)
  options.resolve({})
  const { stop, exited } = await starting
  await Promise.all([stop(), ready.stop()])
  expect(await exited).toEqual({ code: 0, signal: null })
})

test('a process whose options never come fails with the reason, and is gone', async () => {
  await expect(child(Promise.reject(new Error('no database')))).rejects.toThrow(/^no database$/)
})

test('a process that says something, and never that it is ready, is given up in its time', async () => {
  const folder = temporaryFolder()
  const entry = join(folder, 'part.mjs')
  writeFileSync(
    entry,
    "process.on('message', ({ stop }) => (stop ? process.exit(0) : process.send({ type: 'notice' })))",
  )
  const starting = startChild({ name: 'part', entry: pathToFileURL(entry).href, options: {}, readySeconds: 2 })
  await expect(starting).rejects.toThrow(/^part did not start: not ready after 2 s/)
})

test.for([
  ['export const kind = {\n  name: (\n}\n', /^part did not start: .+\nfile:\/\/.*\/kind\.ts:3\n/],
  [
    "import { nothing } from 'node:fs'\nexport default nothing\n",
    /named 'nothing'\nfile:\/\/.*\/kind\.ts:1\nimport \{ nothing \}/,
  ],
  ['const kind = 1\nconst kind = 2\n', /declared\nWhere that is, `npm run types` says\.$/],
  ["throw new Error('Two kinds are named a.b')\n", /^part did not start: Two kinds are named a\.b$/],
] as const)('code that does not load is told with its place: %j', async ([code, told]) => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}')
  writeFileSync(join(folder, 'kind.ts'), code)
  const entry = join(folder, 'part.mjs')
  const served = new URL('./component.ts', import.meta.url).href
  writeFileSync(entry, `import { serveParent } from '${served}'\nserveParent(() => import('./kind.ts'))\n`)
  const starting = startChild({ name: 'part', entry: pathToFileURL(entry).href, options: {}, readySeconds: 30 })
  await expect(starting).rejects.toThrow(told)
})
