import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { migrateDown } from '../../db/migrate.ts'
import { sqsEvent } from '../../tests/support/worker-run.ts'
import { test } from '../../tests/support/world.ts'
import { type Bundle, bundle, functionFiles } from './bundle.ts'
import { loadedBytes, loadedInputs, loadedWith } from './loaded.ts'

const folder = mkdtempSync(join(tmpdir(), 'stint-bundle-'))
let made: Bundle
beforeAll(async () => {
  made = await bundle(folder)
}, 300_000)
afterAll(() => rmSync(folder, { recursive: true }))

const files = functionFiles()
const http = files.filter((file) => file.startsWith('functions/http/'))

/** Runs code in a process that has nothing but the bundles. */
const run = async (code: string, env: Record<string, string> = {}): Promise<string> => {
  const options = { cwd: folder, env: { PATH: process.env['PATH'], ...env } }
  return (await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', code], options)).stdout
}
const addressOf = (file: string): string => JSON.stringify(pathToFileURL(join(folder, `${file}.mjs`)).href)

describe('the bundles', () => {
  test('load from nothing but their folder, each with a handler', async () => {
    const code = files.map((file) => `console.log('${file}', typeof (await import(${addressOf(file)})).handler)`)
    const printed = await run([...code, 'process.exit()'].join('\n'))
    expect(printed.trim().split('\n')).toEqual(files.map((file) => `${file} function`))
  })

  test.for(http)('of %s loads less than 1 MB before it answers', (file) => {
    expect(loadedBytes(made.outputs, `${file}.mjs`)).toBeLessThan(1_000_000)
  })

  test.for(http)('of %s leaves clients and codecs until they are needed', (file) => {
    const loaded = loadedInputs(made.outputs, `${file}.mjs`).join('\n')
    expect(loaded).toContain('node_modules/zod/')
    expect(loaded).not.toMatch(/node_modules\/(kafkajs|@aws-sdk|prom-client|piscina|@duckdb|@opentelemetry\/(?!api))\//)
  })

  // Each takes its time, and the more of the functions share code, the more there are.
  test.for(files)('of %s lies in fewer than 40 files', (file) => {
    expect(loadedWith(made.outputs, `${file}.mjs`).length).toBeLessThan(40)
  })

  test('do not have Node load its fetch before it is used', async () => {
    const code = `
      for (const path of [${http.map(addressOf).join(', ')}]) await import(path)
      console.log(process.moduleLoadList.filter((name) => /undici/.test(name)))
      process.exit()`
    expect(await run(code)).toBe('[]\n')
  })

  test('have source maps: an error tells its place in the sources', async () => {
    const code = `
      const { handler } = await import(${addressOf('functions/queue/worker')})
      await handler({ Records: [] }, {}).catch((error) => console.log(error.stack))`
    expect(await run(code, { NODE_OPTIONS: '--enable-source-maps' })).toMatch(/lib\/core\/config\.ts:\d+/)
  })

  test('migrate a database', async ({ world }) => {
    await migrateDown(world.app.config.database.url)
    const code = `
      const { handler } = await import(${addressOf('functions/operations/migrate')})
      console.log(JSON.stringify(await handler({}, { getRemainingTimeInMillis: () => 900_000 })))
      process.exit()`
    const { output } = JSON.parse(await run(code, { ...world.environment, LOG_LEVEL: 'silent' }))
    expect(output).toMatch(/^Applied: \d+_\w+\.sql/m)
  })

  test('run jobs, in threads and processes of their own, with what packages bring: machine code, fonts, WebAssembly', async ({
    world,
  }) => {
    const { accessToken: token } = await world.register()
    const picture = await sample()
    const { body } = await world.http('POST', '/files?name=a.png', {
      token,
      headers: { 'content-type': 'image/png' },
      body: picture,
    })
    const table = await world.http('POST', '/files?name=a.csv', {
      token,
      headers: { 'content-type': 'text/csv' },
      body: Buffer.from('a,b\n1,2\n3,5\n'),
    })
    const inputs = [
      { kind: 'math.pi', input: { digits: 30 } },
      { kind: 'data.analyze', input: { fileId: table.body.file.id } },
      { kind: 'image.resize', input: { fileId: body.file.id, sizes: [{ width: 8 }] } },
      { kind: 'report.build', input: { formats: ['pdf'] } },
      { kind: 'model.run', input: { model: 'digits', fileId: body.file.id } },
    ]
    const submitted = await world.http('POST', '/jobs/batch', { token, body: { jobs: inputs } })
    for (const queue of ['compute', 'default'] as const) {
      const doorbells = await world.app.queue.receive(queue, { max: 10, waitSeconds: 0 })
      if (doorbells.length === 0) continue
      const event = sqsEvent(doorbells, world.app.config.sqs.queueUrls[queue], world.app.config.region)
      const code = `
        const { handler } = await import(${addressOf('functions/queue/worker')})
        const end = performance.now() + 60_000
        const context = { getRemainingTimeInMillis: () => end - performance.now() }
        console.log(JSON.stringify(await handler(${JSON.stringify(event)}, context)))
        process.exit()`
      const printed = await run(code, { ...world.environment, LOG_LEVEL: 'silent' })
      expect(JSON.parse(printed)).toEqual({ batchItemFailures: [] })
    }
    for (const id of submitted.body.ids) {
      const { job } = (await world.http('GET', `/jobs/${id}`, { token })).body
      expect(job).toMatchObject({ state: 'succeeded', error: null })
    }
  })
})

const sample = async (): Promise<Buffer> => {
  const { default: sharp } = await import('sharp')
  return sharp({ create: { width: 32, height: 32, channels: 3, background: '#369' } })
    .png()
    .toBuffer()
}
