import { describe, expect } from 'vitest'
import { test } from '../../tests/support/world.ts'

describe('the dashboard’s page', () => {
  test.for(['/', '/dashboard', '/dashboard/jobs', '/dashboard/jobs/01a20610-c462-7693-9270-2c83469d56d3'])(
    'is at %s, with a policy that lets in nothing inline and nothing from elsewhere',
    async (path, { world }) => {
      const { status, headers, body } = await world.http('GET', path)
      expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
      const html = String(body)
      expect(html).not.toMatch(/<script>|<style|style=|https?:\/\//)
      const policy = headers['content-security-policy'] ?? ''
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
      expect(policy).not.toContain('unsafe')
      expect(policy).toContain(`img-src 'self' ${new URL(world.environment['S3_ENDPOINT'] ?? '').origin}`)
    },
  )

  test('is at addresses that say what is looked for', async ({ world }) => {
    const { status, headers } = await world.http('GET', '/dashboard/jobs?state=failed&text=%22a%22')
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
  })

  test('lets pictures in from where files stand', async ({ world }) => {
    expect((await world.http('GET', '/')).headers).toMatchObject({ 'Cross-Origin-Embedder-Policy': 'credentialless' })
  })

  test('is not sent again to who has it', async ({ world }) => {
    const { headers } = await world.http('GET', '/')
    const { etag = '', vary, 'cache-control': cacheControl } = headers
    expect([etag.slice(0, 3), vary]).toEqual(['W/"', 'accept-encoding'])
    const again = await world.http('GET', '/', { headers: { 'if-none-match': etag } })
    expect(again).toMatchObject({ status: 304, headers: { etag, vary, 'cache-control': cacheControl } })
  })

  test('names scripts and styles that are there for good, compressed for who can read it', async ({ world }) => {
    const html = String((await world.http('GET', '/')).body)
    const names = [...html.matchAll(/(?:src|href)="(\/dashboard\/assets\/[^"]+)"/g)].map(([, name = '']) => name)
    expect(names.length).toBeGreaterThanOrEqual(3)
    for (const name of names) {
      const plain = await world.http('GET', name)
      expect([name, plain.status, plain.headers['cache-control']]).toEqual([
        name,
        200,
        'public, max-age=31536000, immutable',
      ])
    }
    const script = names.find((name) => name.endsWith('.js')) ?? ''
    const encoded = async (accepted: string) => {
      const { headers } = await world.http('GET', script, { headers: { 'accept-encoding': accepted } })
      return [headers['content-encoding'], headers['vary']]
    }
    for (const accepted of ['br', 'BR', 'gzip, br', 'gzip,br;q=0.5', 'br ; q=1'])
      expect(await encoded(accepted), accepted).toEqual(['br', 'accept-encoding'])
    for (const accepted of ['', 'gzip', 'br;q=0, gzip', 'gzip, br; Q=0.0', 'x-br'])
      expect(await encoded(accepted), accepted).toEqual([undefined, 'accept-encoding'])
  })

  test('has no file but its own', async ({ world }) => {
    for (const name of ['nothing.js', '..%2Findex.html', '%2e%2e%2finputs.json', '..%2F..%2Fhandler.ts']) {
      expect((await world.http('GET', `/dashboard/assets/${name}`)).status).toBe(404)
    }
  })
})
