import { readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { routes } from '../../functions/http/index.ts'
import { imageConvert } from '../../functions/jobs/image-convert.ts'
import { imageResize } from '../../functions/jobs/image-resize.ts'
import { readRoutingTable } from '../../infra/local/host/routing-table.ts'
import { ALWAYS, OF_PROBLEMS } from '../../lib/http/headers.ts'
import { methodsOf, type Resource } from '../../lib/http/resource.ts'
import type { SocketHandler } from '../../lib/live/socket.ts'
import type { PeriodicHandler } from '../../lib/schedule/every.ts'

const root = new URL('../../', import.meta.url)
const table = readRoutingTable(fileURLToPath(new URL('serverless.yml', root)))
const { http, queues, deadLetters, schedules, sockets, streams, operations } = table
const entries = [...http, ...queues, ...deadLetters, ...schedules, ...sockets, ...streams, ...operations]

/** The files of a folder of functions that export something a trigger may name. */
const handlersIn = async (folder: string) => {
  const files = readdirSync(new URL(`functions/${folder}/`, root)).filter((it) => /^[^.]+\.ts$/.test(it))
  const modules = await Promise.all(
    files.map(async (file) => ({
      file: `functions/${folder}/${file}`,
      exported: (await import(new URL(`functions/${folder}/${file}`, root).href)) as { handler?: unknown },
    })),
  )
  return modules.filter(({ exported }) => 'handler' in exported)
}

const named = (file: string) =>
  entries.some(({ handlerFile, exportName }) => handlerFile === file && exportName === 'handler')

describe('serverless.yml', () => {
  test.for(entries)('names a handler that is there: $handlerFile $exportName', async ({ handlerFile, exportName }) => {
    const exported = (await import(new URL(handlerFile, root).href)) as Record<string, unknown>
    expect(exported[exportName]).toBeTypeOf('function')
  })

  test.for(table.http)(
    'sends $method $path to the function that declares it',
    async ({ handlerFile, method, path }) => {
      const { handler } = (await import(new URL(handlerFile, root).href)) as { handler: Resource }
      const declared = handler.routes.flatMap((it) => methodsOf(it).map((each) => `${each} ${it.declaration.path}`))
      expect(declared).toContain(`${method} ${path}`)
    },
  )

  test.for(table.sockets)('sends $route to the function that declares it', async ({ handlerFile, route }) => {
    const { handler } = (await import(new URL(handlerFile, root).href)) as { handler: SocketHandler }
    expect(handler.route).toBe(route)
  })

  test('calls a function by the name of its file', () => {
    for (const { functionName, handlerFile } of entries) {
      // What has a folder of its own is called by the folder.
      const name = basename(handlerFile.replace(/\/handler\.ts$/, ''), '.ts')
      expect(functionName === name || functionName.startsWith(`${name}-`)).toBe(true)
    }
  })

  test('gives no HTTP function more time than API Gateway waits for', () => {
    for (const { timeoutSeconds } of table.http) expect(timeoutSeconds).toBeLessThanOrEqual(29)
  })

  test('gives functions that pass each second the time until the next start, and little more', async () => {
    for (const { rate, timeoutSeconds, handlerFile, exportName } of table.schedules) {
      const exported = (await import(new URL(handlerFile, root).href)) as Record<string, PeriodicHandler>
      const everySeconds = exported[exportName]?.periodic.everySeconds ?? 0
      if (everySeconds >= 60) {
        expect(rate).toBe(everySeconds === 3_600 ? 'rate(1 hour)' : `rate(${everySeconds / 60} minutes)`)
        continue
      }
      expect(rate).toBe('rate(1 minute)')
      expect(timeoutSeconds).toBeGreaterThanOrEqual(65)
      expect(timeoutSeconds).toBeLessThanOrEqual(70)
    }
  })

  test('has a worker for each queue, and somebody for what SQS gives up of it', () => {
    expect(table.queues.map(({ queue }) => queue)).toEqual(['default', 'compute', 'bulk'])
    expect(table.deadLetters.map(({ queue }) => queue)).toEqual(['default', 'compute', 'bulk'])
  })

  test('has all routes of the WebSocket API', () => {
    expect(table.sockets.map(({ route }) => route).toSorted()).toEqual(['$connect', '$default', '$disconnect'])
  })
})

describe('the handlers', () => {
  test.for(routes.flatMap((it) => methodsOf(it).map((method) => ({ method, path: it.declaration.path }))))(
    '$method $path is in serverless.yml',
    ({ method, path }) => {
      expect(table.http.map((it) => `${it.method} ${it.path}`)).toContain(`${method} ${path}`)
    },
  )

  test('of every file of functions/http and of the dashboard are in the list of resources, and so in the documentation', async () => {
    const handlers = [...(await handlersIn('http')), ...(await handlersIn('dashboard'))]
    const declared = handlers.flatMap(({ exported }) => (exported.handler as Resource).routes)
    expect(new Set(routes)).toEqual(new Set(declared))
    expect(handlers.map(({ file }) => file).filter((file) => !named(file))).toEqual([])
  })

  test.for(['queue', 'schedule', 'websocket', 'kafka', 'operations'])(
    'of every file of functions/%s are in serverless.yml',
    async (folder) => {
      const files = (await handlersIn(folder)).map(({ file }) => file)
      expect(files.length).toBeGreaterThan(0)
      expect(files.filter((file) => !named(file))).toEqual([])
    },
  )

  test('of schedules say how often they pass, for the local host', async () => {
    for (const { exported } of await handlersIn('schedule')) {
      expect((exported.handler as PeriodicHandler).periodic.everySeconds).toBeGreaterThan(0)
    }
  })
})

test('the methods of CORS are those of the routes', () => {
  const used = new Set(routes.map(({ declaration }) => declaration.method))
  expect(new Set(table.cors.allowedMethods)).toEqual(new Set([...used, 'OPTIONS']))
})

test('pages of other origins may send each header that a route takes', () => {
  const taken = routes.flatMap(({ declaration }) => declaration.takes ?? [])
  expect(table.cors.allowedHeaders.toSorted()).toEqual(
    [...new Set(['authorization', 'content-type', ...taken])].toSorted(),
  )
})

test('pages of other origins may read each header that a route says it gives', () => {
  const given = new Set(routes.flatMap(({ declaration }) => declaration.gives ?? []))
  // No browser lets a script read it, whatever the list says.
  given.delete('set-cookie')
  const always = [...Object.keys(ALWAYS), ...Object.values(OF_PROBLEMS).flatMap((headers) => Object.keys(headers))]
  expect(table.cors.exposedResponseHeaders.toSorted()).toEqual([...new Set([...given, ...always])].toSorted())
})

test('the function that makes pictures has the memory for as many as it makes at once', async () => {
  const { MAX_MEMORY_BYTES } = await import('../../functions/jobs/image/memory.ts')
  const { functions } = parse(readFileSync(new URL('serverless.yml', root), 'utf8')) as {
    functions: Record<string, { memorySize: number }>
  }
  for (const kind of [imageConvert, imageResize]) {
    const memoryMiB = functions[`worker-${kind.queue}`]?.memorySize
    expect(memoryMiB).toBeGreaterThanOrEqual(MAX_MEMORY_BYTES / 1024 ** 2 + 500)
  }
})
