import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { CATALOGUE } from '../../core/errors.ts'
import { openApiDocument } from '../openapi.ts'
import { route } from '../route.ts'
import { html, prose } from './html.ts'
import { DOCS_POLICY, docsPage } from './page.ts'

const create = route({
  method: 'POST',
  path: '/things/{thingId}/parts',
  summary: 'Add a <part>',
  actor: 'user',
  params: z.object({ thingId: z.uuid() }),
  body: z.strictObject({
    name: z.string().meta({ description: "The part's `name`." }),
    size: z.int().min(1).max(9).default(2),
  }),
  replies: { 201: z.object({ part: z.object({ name: z.string().nullable() }).meta({ id: 'Part' }) }) },
  errors: ['FILE_IN_USE'],
  run: async () => ({ status: 201, body: { part: { name: null } } }),
})
const page = docsPage(openApiDocument([create], { title: 'Shop', version: '7' }))

test('every error code has an anchor, which is where the type of a problem document points', () => {
  for (const code of Object.keys(CATALOGUE)) expect(page).toContain(`id="${code}"`)
})

test('every link inside the page has its target, and every anchor is there once', () => {
  const ids = [...page.matchAll(/ id="([^"]+)"/g)].map((match) => match[1])
  const links = [...page.matchAll(/href="#([^"]+)"/g)].map((match) => match[1])
  expect(ids.length).toBe(new Set(ids).size)
  expect(links.filter((link) => !ids.includes(link))).toEqual([])
})

test('it loads nothing, runs nothing, and its policy allows just its own style', () => {
  const style = /<style>([\s\S]*?)<\/style>/.exec(page)?.[1] ?? ''
  expect(DOCS_POLICY).toContain(`style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`)
  expect(DOCS_POLICY).toContain("default-src 'none'")
  expect(page).not.toMatch(/<script|<link|<img|<iframe|style="|\son\w+=|url\(|@import/)
})

test('it shows a route with its parameters, body, answers and problems', () => {
  expect(page).toContain('Add a &lt;part&gt;')
  expect(page).toContain('The part&#39;s <code>name</code>.')
  expect(page).toContain('integer, 1 to 9')
  expect(page).toContain('href="#schema-Part"')
  expect(page).toContain('409 FILE_IN_USE')
  expect(page).toContain('curl -X POST &quot;$STINT_URL/things/$thingId/parts&quot;')
})

test('a template escapes what is put into it, and nothing else', () => {
  expect(html`<b>${'<&>"\''}</b>${[html`<i></i>`, 1, null, undefined, false]}`.text).toBe(
    '<b>&lt;&amp;&gt;&quot;&#39;</b><i></i>1',
  )
  expect(prose('say `<a>` now').text).toBe('say <code>&lt;a&gt;</code> now')
})
