import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type DnsServer, startDnsServer } from '../../tests/support/dns-server.ts'
import { createWeb, type Web } from './web.ts'
import type { WebError } from './web-error.ts'

// A server listens on this machine, on every address it has. Nothing in this file may reach it, but over the one name
// that the configuration allows.

const PUBLIC = '1.2.3.4'

const reached: string[] = []
const server = createServer((request, response) => {
  reached.push(`${request.headers.host}${request.url}`)
  const to = new URL(request.url ?? '', 'http://x').searchParams.get('to')
  response
    .writeHead(to ? 302 : 200, to ? { location: Buffer.from(to).toString('latin1') } : { 'content-type': 'text/html' })
    .end('<p>secret')
})

let port: number
let dns: DnsServer
let web: Web
let answers: Record<string, (nth: number) => string[]> = {}

beforeAll(async () => {
  server.listen(0)
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
  dns = await startDnsServer((name, nth) => answers[name]?.(nth) ?? ['127.0.0.1'])
  web = createWeb({
    web: {
      allowedHosts: [`door.test:${port}`],
      ports: [String(port), '80', '443'],
      dnsServers: [dns.address],
      crawlDelaySeconds: 0,
    },
    version: 'test',
  })
})

beforeEach(() => {
  reached.length = 0
  dns.asked.length = 0
  answers = {}
})

afterAll(async () => {
  await web.close()
  server.close()
  server.closeAllConnections()
  dns.close()
})

const get = (url: string, signal?: AbortSignal) =>
  web.get(url, { maxBytes: 1_000, ...(signal && { signal }) }).then(
    ({ bytes }) => `reached: ${bytes}`,
    (error: WebError) => error.code,
  )

const PRIVATE_HOSTS = [
  'localhost',
  'LOCALHOST',
  'localhost.',
  'anything.localhost',
  'localhost.localdomain',
  'metadata.google.internal',
  'postgres',
  'loopback.example',
  '127.0.0.1',
  '127.0.0.1.',
  '127.1',
  '127.0.1',
  '127.255.255.254',
  '2130706433',
  '0x7f000001',
  '0x7f.1',
  '0x7f.0x0.0x0.0x1',
  '017700000001',
  '0177.0.0.1',
  '0177.0.0.0x1',
  '00000000177.1',
  '%31%32%37.0.0.1',
  '127%2e0%2e0%2e1',
  '127。0。0。1',
  '１２７.０.０.１',
  '①②⑦.⓪.⓪.①',
  '0',
  '0.0.0.0',
  '0x0',
  '10.0.0.1',
  '10.1',
  '100.64.0.1',
  '100.100.100.200',
  '168.63.129.16',
  '169.254.169.254',
  '0xa9fea9fe',
  '2852039166',
  '0251.0376.0251.0376',
  '169.254.170.2',
  '172.16.0.1',
  '172.31.255.255',
  '192.0.0.192',
  '192.0.2.1',
  '192.88.99.1',
  '192.168.0.1',
  '192.168.257',
  '198.18.0.1',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '240.0.0.1',
  '255.255.255.255',
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[0000::0001]',
  '[::]',
  '[::127.0.0.1]',
  '[::7f00:1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[::ffff:169.254.169.254]',
  '[::ffff:0:127.0.0.1]',
  '[64:ff9b::127.0.0.1]',
  '[64:ff9b::a9fe:a9fe]',
  '[64:ff9b:1::1]',
  '[2002:7f00:1::]',
  '[2001:0:4136:e378:8000:63bf:3fff:fdd2]',
  '[2001:db8::1]',
  '[fc00::1]',
  '[fd00:ec2::254]',
  '[fe80::1]',
  '[fec0::1]',
  '[ff02::1]',
  '[100::1]',
]

describe('what is not on the public internet', () => {
  test.for(PRIVATE_HOSTS)('is refused as http://%s', async (host) => {
    expect(await get(`http://${host}:${port}/`)).toBe('ADDRESS_REFUSED')
    expect(reached).toEqual([])
  })

  test.for(PRIVATE_HOSTS)('is refused where a redirect leads to it: http://%s', async (host) => {
    const to = encodeURIComponent(`http://${host}:${port}/`)
    expect(await get(`http://door.test:${port}/?to=${to}`)).toBe('ADDRESS_REFUSED')
    expect(reached).toHaveLength(1)
  })
})

describe('what is no address of a web page', () => {
  const urls = [
    '',
    'nothing',
    '//localhost/',
    '/etc/passwd',
    'file:///etc/passwd',
    'ftp://example.com/',
    'gopher://127.0.0.1:6379/_FLUSHALL',
    'dict://127.0.0.1:11211/stats',
    'ldap://127.0.0.1/',
    'jar:http://127.0.0.1!/',
    'data:text/html,<p>x',
    'blob:http://example.com/x',
    'javascript:alert(1)',
    'ws://example.com/',
    'http:',
    'http://',
    'http://[fe80::1%25eth0]/',
    'http://[::1',
    'http://127.0.0.1.0/',
    'http://256.256.256.256/',
    'http://exa mple.com/',
    'http://user:password@example.com/',
    'http://user@example.com/',
    'http://door.test@127.0.0.1/',
    'http://example.com:22/',
    'http://example.com:25/',
    'http://example.com:6379/',
    'http://example.com:65536/',
    'http://example.com:0/',
    'https://127.0.0.1:5432/',
  ]
  test.for(urls)('is refused: %s', async (url) => {
    expect(await get(url)).toBe('URL_REFUSED')
    expect([reached, dns.asked]).toEqual([[], []])
  })

  test.for(urls.filter((url) => /^\w+:/.test(url)))('is refused where a redirect leads to it: %s', async (url) => {
    const to = encodeURIComponent(url)
    // Relative to http, "http:" alone is the page itself.
    const known = url === 'http:' ? 'TOO_MANY_REDIRECTS' : 'URL_REFUSED'
    expect(await get(`http://door.test:${port}/?to=${to}`)).toBe(known)
    expect(dns.asked.filter((name) => name !== 'door.test')).toEqual([])
  })
})

describe('a name that leads somewhere else each time it is asked', () => {
  test('is asked once per connection, and what was checked is what is connected to', async () => {
    answers['rebind.test'] = (nth) => [nth === 1 ? PUBLIC : '127.0.0.1']
    // Whether anybody listens there or not: it isn't waited for.
    const controller = new AbortController()
    const first = get(`http://rebind.test:${port}/`, controller.signal)
    await expect.poll(() => dns.asked).toEqual(['rebind.test'])
    await new Promise((resolve) => setImmediate(resolve))
    controller.abort()
    await first
    expect([dns.asked, reached]).toEqual([['rebind.test'], []])
    expect(await get(`http://rebind.test:${port}/`)).toBe('ADDRESS_REFUSED')
    expect(reached).toEqual([])
  })

  test('is refused when one of its addresses is private, whichever comes first', async () => {
    answers['mixed.test'] = () => [PUBLIC, '127.0.0.1']
    answers['mixed-too.test'] = () => ['127.0.0.1', PUBLIC]
    answers['mixed-families.test'] = () => [PUBLIC, '::1']
    for (const name of Object.keys(answers)) expect(await get(`http://${name}:${port}/`)).toBe('ADDRESS_REFUSED')
    expect(reached).toEqual([])
  })

  test('is refused at the hop at which it leads inside, although it was fine before', async () => {
    answers['door.test'] = (nth) => ['127.0.0.1', ...(nth > 1 ? ['127.0.0.2'] : [])]
    answers['turn.test'] = () => ['169.254.169.254']
    const to = encodeURIComponent(`http://turn.test:${port}/latest/meta-data/`)
    expect(await get(`http://door.test:${port}/?to=${to}`)).toBe('ADDRESS_REFUSED')
    expect(reached).toHaveLength(1)
  })

  test('has no second chance over IPv6', async () => {
    answers['six.test'] = () => ['fd00:ec2::254']
    expect(await get(`http://six.test:${port}/`)).toBe('ADDRESS_REFUSED')
  })
})

test('the name that is allowed is reached, with its port only', async () => {
  expect(await get(`http://door.test:${port}/`)).toBe('reached: <p>secret')
  expect(await get('http://door.test/')).toBe('ADDRESS_REFUSED')
})

test('where a name leads is not told', async () => {
  answers['inside.test'] = () => ['10.1.2.3']
  const error = await web.get('http://inside.test/', { maxBytes: 10 }).catch((it: Error) => it)
  expect(error).toMatchObject({ message: '"inside.test" is not on the public internet.' })
})
