import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { createWeb, type Web } from './web.ts'

const opened: (() => void)[] = []
afterEach(() => {
  for (const close of opened.splice(0)) close()
})

const allow = (host: string, limits: Parameters<typeof createWeb>[1] = {}): Web => {
  const web = createWeb(
    { web: { allowedHosts: [host], ports: [], dnsServers: [], crawlDelaySeconds: 0 }, version: '1' },
    limits,
  )
  opened.push(() => void web.close())
  return web
}

const serve = async (listener: RequestListener) => {
  const server = createHttpServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  opened.push(() => void server.close().closeAllConnections())
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { web: allow(host), url: `http://${host}/` }
}

/** A server below HTTP, that sends what it likes. */
const serveRaw = async (answer: (socket: Socket) => void, limits: Parameters<typeof createWeb>[1] = {}) => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).once('data', () => answer(socket))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  opened.push(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return { web: allow(host, limits), url: `http://${host}/`, sockets }
}

const MIB = 1024 * 1024

test('gives the page, its type, its status, and where it came from', async () => {
  const { web, url } = await serve((request, response) => {
    if (request.url === '/') return response.writeHead(301, { location: '/page?a=1' }).end()
    return response
      .writeHead(404, { 'content-type': 'text/HTML; charset=utf-8' })
      .end(`${request.headers['user-agent']}`)
  })
  const answer = await web.get(url, { maxBytes: 100 })
  expect({ ...answer, url: answer.url.href, bytes: String(answer.bytes) }).toEqual({
    url: `${url}page?a=1`,
    redirects: 1,
    status: 404,
    contentType: 'text/html; charset=utf-8',
    bytes: 'Stint/1 (page.parse)',
  })
})

test.for([
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
] as const)('decompresses %s', async ([encoding, compress]) => {
  const { web, url } = await serve((_, response) => {
    response.writeHead(200, { 'content-encoding': encoding }).end(compress(Buffer.from('héllo')))
  })
  expect(String((await web.get(url, { maxBytes: 100 })).bytes)).toBe('héllo')
})

test('takes five redirects and not six', async () => {
  const { web, url } = await serve((request, response) => {
    const left = Number(request.url?.slice(1))
    if (left === 0) return response.end('there')
    return response.writeHead(302, { location: `/${left - 1}` }).end()
  })
  expect(await web.get(`${url}5`, { maxBytes: 100 })).toMatchObject({ redirects: 5 })
  await expect(web.get(`${url}6`, { maxBytes: 100 })).rejects.toMatchObject({ code: 'TOO_MANY_REDIRECTS' })
})

test('follows a redirect whose address is not ASCII', async () => {
  const { web, url } = await serve((request, response) => {
    if (request.url !== '/') return response.end(String(request.url))
    return response.writeHead(302, { location: Buffer.from('/Zürich?q=東京').toString('latin1') }).end()
  })
  expect(String((await web.get(url, { maxBytes: 100 })).bytes)).toBe('/Z%C3%BCrich?q=%E6%9D%B1%E4%BA%AC')
})

test('a redirect loop ends', async () => {
  let requests = 0
  const { web, url } = await serve((_, response) => {
    requests++
    response.writeHead(307, { location: '/' }).end()
  })
  await expect(web.get(url, { maxBytes: 100 })).rejects.toMatchObject({ code: 'TOO_MANY_REDIRECTS' })
  expect(requests).toBe(6)
})

test('what is not wanted is not read', async () => {
  const { web, url } = await serveRaw((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\ncontent-length: 9999999999\r\n\r\n')
  })
  const answer = await web.get(url, { maxBytes: 100, wants: (type) => type.startsWith('text/') })
  expect(answer).toMatchObject({ status: 200, contentType: 'video/mp4', bytes: Buffer.alloc(0) })
})

describe('stops', () => {
  test.for([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ] as const)('at a bomb in %s, and keeps no more of it than the limit', async ([encoding, compress]) => {
    const bomb = compress(Buffer.alloc(64 * MIB))
    const { web, url } = await serve((_, response) => {
      response.writeHead(200, { 'content-encoding': encoding }).end(bomb)
    })
    const before = process.memoryUsage().arrayBuffers
    await expect(web.get(url, { maxBytes: MIB })).rejects.toMatchObject({ code: 'RESPONSE_TOO_LARGE' })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(24 * MIB)
  })

  test('at a body without an end', async () => {
    const { web, url } = await serve((_, response) => {
      const chunk = Buffer.alloc(64 * 1024)
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    })
    await expect(web.get(url, { maxBytes: MIB })).rejects.toMatchObject({ code: 'RESPONSE_TOO_LARGE' })
  })

  test('at headers without an end', async () => {
    const { web, url } = await serveRaw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n${`x: ${'a'.repeat(1_000)}\r\n`.repeat(100)}\r\n`)
    })
    await expect(web.get(url, { maxBytes: MIB })).rejects.toMatchObject({ code: 'HEADERS_TOO_LARGE' })
  })

  test('waiting for a server that says nothing', async () => {
    const { web, url } = await serveRaw(() => {}, { silenceMs: 200 })
    await expect(web.get(url, { maxBytes: MIB })).rejects.toMatchObject({ code: 'TIMED_OUT' })
  })

  test('waiting for one that sends its headers byte by byte', async () => {
    const { web, url } = await serveRaw(
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nx: ')
        const timer = setInterval(() => (socket.destroyed ? clearInterval(timer) : socket.write('a')), 20)
      },
      { totalMs: 500 },
    )
    await expect(web.get(url, { maxBytes: MIB })).rejects.toMatchObject({ code: 'TIMED_OUT' })
  })

  test('waiting for one that sends its body byte by byte', async () => {
    const { web, url } = await serveRaw(
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        const timer = setInterval(() => (socket.destroyed ? clearInterval(timer) : socket.write('a')), 20)
      },
      { totalMs: 500 },
    )
    await expect(web.get(url, { maxBytes: MIB })).rejects.toMatchObject({ code: 'TIMED_OUT' })
  })

  test('and leaves no connection behind', async () => {
    const { web, url, sockets } = await serveRaw((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\n\r\n${'a'.repeat(2 * MIB)}`)
    })
    await expect(web.get(url, { maxBytes: MIB })).rejects.toMatchObject({ code: 'RESPONSE_TOO_LARGE' })
    await expect.poll(() => [...sockets].every((socket) => socket.destroyed)).toBe(true)
  })

  test('when it is told to, with the reason it was told', async () => {
    const { web, url } = await serveRaw(() => controller.abort(reason))
    const reason = new Error('the job was cancelled')
    const controller = new AbortController()
    await expect(web.get(url, { maxBytes: MIB, signal: controller.signal })).rejects.toBe(reason)
  })
})

describe('says that', () => {
  test('nobody listens', async () => {
    const { web, url } = await serve(() => {})
    for (const close of opened.splice(1)) close()
    await expect(web.get(url, { maxBytes: 1 })).rejects.toMatchObject({ mayPass: true })
  })

  test('there is no such host', async () => {
    const web = allow('no-such-host.invalid')
    await expect(web.get('http://no-such-host.invalid/', { maxBytes: 1 })).rejects.toMatchObject({
      code: 'NAME_NOT_FOUND',
      mayPass: true,
    })
  })

  test.for([
    ['is no HTTP', 'SSH-2.0-OpenSSH_9.7\r\n'],
    ['has no length that is true', 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort'],
    ['has two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nshort'],
  ] as const)('an answer %s', async ([, text]) => {
    const { web, url } = await serveRaw((socket) => void socket.end(text))
    await expect(web.get(url, { maxBytes: MIB })).rejects.toMatchObject({ code: 'UNREACHABLE' })
  })

  test.for([
    ['is cut off', 'gzip', gzipSync(Buffer.from('hello'.repeat(100))).subarray(0, 20)],
    ['is something else', 'gzip', Buffer.from('not gzip at all')],
    ['is something else', 'br', Buffer.from('not brotli at all')],
    ['is encoded twice', 'gzip, gzip', gzipSync(gzipSync(Buffer.alloc(10)))],
    ['is encoded unasked', 'zstd', Buffer.alloc(10)],
  ] as const)('a body %s: %s', async ([, encoding, bytes]) => {
    const { web, url } = await serve((_, response) => {
      response.writeHead(200, { 'content-encoding': encoding }).end(bytes)
    })
    await expect(web.get(url, { maxBytes: MIB })).rejects.toMatchObject({ code: 'ENCODING_UNREADABLE' })
  })
})
