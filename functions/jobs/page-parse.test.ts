import { afterAll, beforeEach, describe, expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { MAX_CHECKPOINT_BYTES, MAX_DATA_BYTES } from '../../lib/jobs/json.ts'
import { jobIn, runInShortestStints, runKind } from '../../tests/support/run-kind.ts'
import { startWebSite } from '../../tests/support/web-site.ts'
import { test as base, type World } from '../../tests/support/world.ts'
import { pageParse } from './page-parse.ts'

const site = await startWebSite()
const other = await startWebSite()
afterAll(() => {
  site.close()
  other.close()
})

const test = base.override({
  environment: { WEB_ALLOWED_HOSTS: `${site.host},${other.host}`, CRAWL_DELAY_SECONDS: '0' },
})

beforeEach(() => {
  for (const it of [site, other]) {
    it.asked.length = 0
    for (const path of Object.keys(it.pages)) delete it.pages[path]
  }
})

interface Report {
  pages: {
    url: string
    title: string
    depth: number
    links: object[]
    counts: { links: number }
    fileId: string | null
  }[]
  brokenLinks: { url: string; from: string; status: number | null; error: string | null }[]
  counts: { pages: number; brokenLinks: number; checkedLinks: number; disallowed: number }
}

const contextIn = async ({ app, sql }: World) => {
  const projectId = newId()
  await sql`INSERT INTO projects (id, name) VALUES (${projectId}, 'A project')`
  return jobIn(app, projectId)
}

const parse = async (world: World, input: object = {}): Promise<Report> => {
  const context = await contextIn(world)
  return (await runKind(pageParse, { input: { url: site.origin, ...input }, context })).result as Report
}

const link = (...paths: string[]): string => paths.map((path) => `<a href="${path}">${path}</a>`).join(' ')

const titles = ({ pages }: Report): string[] => pages.map(({ title }) => title)

describe('one page', () => {
  test('is read, and its links are asked whether they answer', async ({ world }) => {
    site.pages['/'] = `<html lang=en><title>Home</title><meta name=description content="A site"><h1>Hello</h1>
      <p>big world</p><img src=cat.jpg alt="A cat">${link('/about', '/gone', `${other.origin}/there`)}`
    site.pages['/about'] = '<title>About</title>'
    other.pages['/there'] = 'there'
    const report = await parse(world)
    expect(report).toEqual({
      pages: [
        {
          url: `${site.origin}/`,
          depth: 0,
          status: 200,
          title: 'Home',
          description: 'A site',
          language: 'en',
          charset: 'utf-8',
          sizeBytes: expect.any(Number),
          words: 12,
          headings: [{ level: 1, text: 'Hello' }],
          links: [
            { url: `${site.origin}/about`, text: '/about' },
            { url: `${site.origin}/gone`, text: '/gone' },
            { url: `${other.origin}/there`, text: `${other.origin}/there` },
          ],
          images: [{ url: `${site.origin}/cat.jpg`, alt: 'A cat' }],
          counts: { headings: 1, links: 3, images: 1 },
          fileId: null,
        },
      ],
      brokenLinks: [{ url: `${site.origin}/gone`, from: `${site.origin}/`, status: 404, error: null }],
      counts: { pages: 1, brokenLinks: 1, checkedLinks: 3, disallowed: 0 },
    })
    expect(site.asked).toEqual(['/robots.txt', '/', '/about', '/gone'])
  })

  test('is the one that redirects lead to', async ({ world }) => {
    site.pages['/'] = (_, response) => response.writeHead(301, { location: `${other.origin}/new` }).end()
    other.pages['/new'] = `<title>New</title>${link('/next')}`
    other.pages['/next'] = '<title>Next</title>'
    const report = await parse(world, { depth: 1 })
    expect(report.pages.map(({ url, title }) => [url, title])).toEqual([
      [`${other.origin}/new`, 'New'],
      [`${other.origin}/next`, 'Next'],
    ])
  })

  test.for([
    ['HTTP_ERROR', 404],
    ['HTTP_ERROR', 410],
    ['HTTP_ERROR', 403],
  ] as const)('that is not there fails for good: %s %i', async ([code, status], { world }) => {
    site.pages['/'] = (_, response) => response.writeHead(status).end()
    await expect(parse(world)).rejects.toMatchObject({ name: 'PermanentError', code })
  })

  test.for([500, 503, 429])('that answers %i is tried again', async (status, { world }) => {
    site.pages['/'] = (_, response) => response.writeHead(status).end()
    await expect(parse(world)).rejects.toMatchObject({
      name: 'WebError',
      code: 'HTTP_ERROR',
      message: expect.stringContaining(`${status}`),
    })
  })

  test('that is no HTML fails for good, and is not read', async ({ world }) => {
    site.pages['/'] = (_, response) => response.writeHead(200, { 'content-type': 'application/pdf' }).write('%PDF')
    await expect(parse(world)).rejects.toMatchObject({ name: 'PermanentError', code: 'NOT_HTML' })
  })

  test('that is not on the public internet is refused', async ({ world }) => {
    for (const url of ['http://localhost/', 'http://169.254.169.254/latest/meta-data/', 'http://[::1]/']) {
      await expect(parse(world, { url })).rejects.toMatchObject({ name: 'PermanentError', code: 'ADDRESS_REFUSED' })
    }
  })

  test('that is too large fails for good', async ({ world }) => {
    site.pages['/'] = '<p>'.repeat(2_000_000)
    await expect(parse(world)).rejects.toMatchObject({ name: 'PermanentError', code: 'RESPONSE_TOO_LARGE' })
  })

  test('that gives no answer is tried again', async ({ world }) => {
    site.pages['/'] = (_, response) => response.socket?.destroy()
    await expect(parse(world)).rejects.toMatchObject({ name: 'WebError', code: 'UNREACHABLE' })
  })
})

describe('a crawl', () => {
  test('reads the pages of its host breadth first, each once, as far as it is told', async ({ world }) => {
    site.pages['/'] = `<title>0</title>${link('/a', '/b', '/a#x', '/', `${other.origin}/`)}`
    site.pages['/a'] = `<title>a</title>${link('/aa', '/b')}`
    site.pages['/b'] = `<title>b</title>${link('/bb', '/')}`
    site.pages['/aa'] = `<title>aa</title>${link('/aaa')}`
    site.pages['/bb'] = '<title>bb</title>'
    other.pages['/'] = '<title>elsewhere</title>'
    const report = await parse(world, { depth: 2 })
    expect(report.pages.map(({ title, depth }) => [title, depth])).toEqual([
      ['0', 0],
      ['a', 1],
      ['b', 1],
      ['aa', 2],
      ['bb', 2],
    ])
    // What is too deep is only asked.
    expect(report.brokenLinks).toMatchObject([{ url: `${site.origin}/aaa`, from: `${site.origin}/aa`, status: 404 }])
    expect(site.asked.filter((path) => path === '/a')).toHaveLength(1)
    expect(other.asked).toEqual(['/robots.txt', '/'])
  })

  test('stops at so many pages, and asks no more links than it may', async ({ world }) => {
    const paths = Array.from({ length: 50 }, (_, index) => `/${index}`)
    for (const path of paths) site.pages[path] = `<title>${path}</title>`
    site.pages['/'] = `<title>0</title>${link(...paths)}`
    const report = await parse(world, { depth: 1, maxPages: 5, checkLinks: 7 })
    expect(report.counts).toEqual({ pages: 5, brokenLinks: 0, checkedLinks: 7, disallowed: 0 })
    expect(site.asked).toHaveLength(1 + 5 + 7)
  })

  test('passes over what is broken, elsewhere, no page, or there already', async ({ world }) => {
    site.pages['/'] = `<title>0</title>${link('/500', '/away', '/pdf', '/again', '/loop', '/cut', '/good')}`
    site.pages['/500'] = (_, response) => response.writeHead(500).end()
    site.pages['/away'] = (_, response) => response.writeHead(302, { location: other.origin }).end()
    site.pages['/pdf'] = (_, response) => response.writeHead(200, { 'content-type': 'application/pdf' }).end()
    site.pages['/again'] = (_, response) => response.writeHead(302, { location: '/#top' }).end()
    site.pages['/loop'] = (_, response) => response.writeHead(302, { location: '/loop' }).end()
    site.pages['/cut'] = (_, response) => response.socket?.destroy()
    site.pages['/good'] = '<title>good</title>'
    other.pages['/'] = 'away'
    const report = await parse(world, { depth: 1 })
    expect(titles(report)).toEqual(['0', 'good'])
    expect(report.brokenLinks.map(({ url, status, error }) => [url.replace(site.origin, ''), status, error])).toEqual([
      ['/500', 500, null],
      ['/loop', null, 'TOO_MANY_REDIRECTS'],
      ['/cut', null, 'UNREACHABLE'],
    ])
  })

  test('asks for nothing that a robots.txt forbids, on any host', async ({ world }) => {
    site.pages['/robots.txt'] = 'User-agent: *\nDisallow: /private\nAllow: /private/open\n'
    other.pages['/robots.txt'] = 'User-agent: Stint\nDisallow: /\n'
    site.pages['/'] = `<title>0</title>${link('/private/x', '/private/open', `${other.origin}/x`)}`
    site.pages['/private/open'] = '<title>open</title>'
    const report = await parse(world, { depth: 1 })
    expect(titles(report)).toEqual(['0', 'open'])
    expect(report.counts.disallowed).toBe(2)
    expect([site.asked, other.asked].flat()).toEqual(['/robots.txt', '/', '/private/open', '/robots.txt'])
  })

  test('does not begin where a robots.txt forbids it, and waits where it cannot be read', async ({ world }) => {
    site.pages['/'] = '<title>0</title>'
    site.pages['/robots.txt'] = 'User-agent: stint\nDisallow: /\n'
    await expect(parse(world)).rejects.toMatchObject({ name: 'PermanentError', code: 'ROBOTS_DISALLOWED' })
    site.pages['/robots.txt'] = (_, response) => response.writeHead(503).end()
    await expect(parse(world)).rejects.toMatchObject({ name: 'WebError', code: 'ROBOTS_UNREADABLE' })
    expect(site.asked).toEqual(['/robots.txt', '/robots.txt'])
  })

  test('takes no page for broken since a robots.txt is large or leads in a circle', async ({ world }) => {
    site.pages['/robots.txt'] = `User-agent: *\nDisallow: /private\n${'# and so on\n'.repeat(100_000)}`
    other.pages['/robots.txt'] = (_, response) => response.writeHead(302, { location: '/robots.txt' }).end()
    site.pages['/'] = `<title>0</title>${link('/private/x', `${other.origin}/x`)}`
    other.pages['/x'] = '<title>x</title>'
    expect(await parse(world, { depth: 1 })).toMatchObject({
      pages: [{ title: '0' }],
      brokenLinks: [],
      counts: { checkedLinks: 1, disallowed: 1 },
    })
  })

  test('comes to the same through as many stints as there are safe points', async ({ world }) => {
    site.pages['/'] = `<title>0</title>${link('/a', '/b', '/gone', `${other.origin}/x`)}`
    site.pages['/a'] = `<title>a</title>${link('/aa', '/missing')}`
    site.pages['/b'] = '<title>b</title>'
    site.pages['/aa'] = '<title>aa</title>'
    const input = { url: site.origin, depth: 2 }
    const context = await contextIn(world)
    const { result } = await runKind(pageParse, { input, context })
    const resumed = await runInShortestStints(pageParse, { input, context })
    expect(resumed).toEqual({ stints: 8, result })
    expect(result).toMatchObject({ counts: { pages: 4, brokenLinks: 3, checkedLinks: 1 } })
  })

  test('shows its pages as they come, and what it yielded stays as it was', async ({ world }) => {
    site.pages['/'] = `<title>0</title>${link('/a', '/b')}`
    site.pages['/a'] = '<title>a</title>'
    site.pages['/b'] = '<title>b</title>'
    const input = { url: site.origin, depth: 1, checkLinks: 0 }
    const { safePoints } = await runKind(pageParse, { input, context: await contextIn(world) })
    expect(safePoints.map(({ partial }) => titles(partial as Report))).toEqual([['0'], ['0', 'a'], ['0', 'a', 'b']])
    expect(safePoints.map(({ checkpoint }) => (checkpoint as { nextPage: number }).nextPage)).toEqual([1, 2, 3])
    const progress = safePoints.map((point) => point.progress ?? 0)
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
  })

  test('asks a host once in a while, also when another stint did so just before', async ({ world }) => {
    const slow = { ...world.app.web, crawlDelaySeconds: 0.3 }
    const times: number[] = []
    site.pages['/'] = (_, response) => {
      times.push(performance.now())
      response.writeHead(200, { 'content-type': 'text/html' }).end(link('/a'))
    }
    site.pages['/a'] = (_, response) => {
      times.push(performance.now())
      response.writeHead(200, { 'content-type': 'text/html' }).end()
    }
    const input = { url: site.origin, depth: 1 }
    await runInShortestStints(pageParse, { input, context: { ...(await contextIn(world)), web: slow } })
    const [first = 0, second = 0] = times
    // robots.txt is asked again between them. Timers may be a millisecond early.
    expect(second - first).toBeGreaterThanOrEqual(598)
  })
})

describe('a large site', () => {
  const long = (prefix: string, count: number): string[] =>
    Array.from({ length: count }, (_, index) => `/${prefix}${index}-${'x'.repeat(900)}`)

  test('fits into its result and its checkpoint; what is cut is whole in a file', async ({ world }) => {
    const paths = Array.from({ length: 60 }, (_, index) => `/p${index}`)
    const texts = `<title>${'漢'.repeat(400)}</title><meta name=description content="${'字'.repeat(400)}">`
    for (const path of ['/', ...paths]) {
      site.pages[path] = `${texts}<h1>${'語'.repeat(200)}</h1>${link(...paths, ...long(path.slice(1), 40))}`
    }
    const context = await contextIn(world)
    const input = { url: site.origin, depth: 5, maxPages: 50, checkLinks: 0 }
    const { result, safePoints } = await runKind(pageParse, { input, context })
    const { pages } = result as Report
    expect(pages).toHaveLength(50)
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThan(MAX_DATA_BYTES)
    const sizes = safePoints.map(({ checkpoint }) => Buffer.byteLength(JSON.stringify(checkpoint)))
    expect(Math.max(...sizes)).toBeLessThan(MAX_CHECKPOINT_BYTES)
    expect(safePoints.every(({ durable }) => durable)).toBe(true)

    const [first] = pages
    expect(first?.links.length).toBeLessThan(first?.counts.links ?? 0)
    const { bytes, contentType } = await context.files.read(first?.fileId ?? '', { maxBytes: 1_000_000 })
    const whole = JSON.parse(bytes.toString()) as Report['pages'][0]
    expect([contentType, whole.links.length]).toEqual(['application/json', 100])
  })

  test('has at most so many broken links in its result, and all of them counted', async ({ world }) => {
    site.pages['/'] = link(...long('', 200))
    const report = await parse(world, { checkLinks: 200 })
    expect([report.brokenLinks.length, report.counts.brokenLinks]).toEqual([30, 200])
    expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThan(MAX_DATA_BYTES)
  })
})

test('is submitted, shown and done over HTTP', async ({ world }) => {
  site.pages['/'] = `<title>Home</title>${link('/a', '/gone')}`
  site.pages['/a'] = '<title>A</title>'
  const { accessToken: token } = await world.register()
  const body = { kind: 'page.parse', input: { url: site.origin, depth: 1 } }
  const submitted = await world.http('POST', '/jobs', { token, body })
  expect(submitted.status).toBe(202)
  await world.work('default')
  const { job } = (await world.http('GET', `/jobs/${submitted.body.job.id}`, { token })).body
  expect(job).toMatchObject({ state: 'succeeded', result: { counts: { pages: 2, brokenLinks: 1 } } })
})

test('is refused over HTTP with the name of the field', async ({ world }) => {
  const { accessToken: token } = await world.register()
  const body = { kind: 'page.parse', input: { url: 'http://user:secret@example.com' } }
  const refused = await world.http('POST', '/jobs', { token, body })
  expect(refused).toMatchObject({ status: 422, body: { errors: [{ path: 'input.url' }] } })
})

test('takes a host that is too long for an index entry, and limits it', async ({ world }) => {
  const { accessToken: token } = await world.register()
  // Letters that share no bits, as punycode writes them.
  const host = Array.from({ length: 900 }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7_919) % 20_000))).join('')
  const submit = (path: string) =>
    world.http('POST', '/jobs', { token, body: { kind: 'page.parse', input: { url: `http://${host}/${path}` } } })
  expect([(await submit('a')).status, (await submit('b')).status]).toEqual([202, 202])
  expect(await world.sql`SELECT DISTINCT concurrency_key FROM jobs`).toHaveLength(1)
})

test.for([
  [{}, 'url'],
  [{ url: 'example.com' }, 'url'],
  [{ url: 'file:///etc/passwd' }, 'url'],
  [{ url: 'ftp://example.com' }, 'url'],
  [{ url: 'http://a@example.com' }, 'url'],
  [{ url: 'http://:b@example.com' }, 'url'],
  [{ url: `http://example.com/${'x'.repeat(1_000)}` }, 'url'],
  [{ url: 'http://example.com', depth: 6 }, 'depth'],
  [{ url: 'http://example.com', maxPages: 51 }, 'maxPages'],
  [{ url: 'http://example.com', maxPages: 0 }, 'maxPages'],
  [{ url: 'http://example.com', checkLinks: 201 }, 'checkLinks'],
  [{ url: 'http://example.com', follow: true }, ''],
] as const)('refuses %j and names the field', ([input, field]) => {
  expect(pageParse.input.safeParse(input).error?.issues[0]?.path.join('.')).toBe(field)
})

test('limits a host, whatever its spelling', () => {
  const keyOf = (url: string) => pageParse.limits?.concurrencyKey?.(pageParse.input.parse({ url }))
  expect(keyOf('HTTP://EXAMPLE.com:80/a')).toBe(keyOf('http://example.com/b'))
})
