import { describe, expect, test } from 'vitest'
import { MAX_DATA_BYTES, toStoredJson } from '../../../lib/jobs/json.ts'
import { isHtml, readDocument } from './document.ts'

const at = new URL('https://example.com/shop/list?page=2')

const read = (html: string | Buffer, contentType = 'text/html') => readDocument(Buffer.from(html), contentType, at)

test('reads what a page says about itself', async () => {
  const page = await read(`<!doctype html><html lang="de-AT"><head>
    <title> Die  Katze\n&amp; der Hund </title><meta name="Description" content="Ein &quot;Märchen&quot;">
    <meta property="og:description" content="other"></head>
    <body><svg><title>not this</title></svg><h1>Es war <b>ein</b>mal</h1><p>eine Katze.</p><h3>Ende</h3></body></html>`)
  expect(page).toMatchObject({
    title: 'Die Katze & der Hund',
    description: 'Ein "Märchen"',
    language: 'de-AT',
    charset: 'utf-8',
    headings: [
      { level: 1, text: 'Es war einmal' },
      { level: 3, text: 'Ende' },
    ],
    words: 6,
  })
})

test('a page that says nothing has nothing', async () => {
  expect(await read('')).toEqual({
    title: null,
    description: null,
    language: null,
    charset: 'utf-8',
    words: 0,
    headings: [],
    links: [],
    images: [],
    counts: { headings: 0, links: 0, images: 0 },
    followable: [],
  })
})

test('counts the words that a reader sees', async () => {
  const { words } = await read(`<title>no</title><style>no { no: no }</style><script>no no</script>
    <noscript>no</noscript><template>no</template><p>It's</p><p>well-known</p><ul><li>one<li>two</ul>
    <span>th</span><em>ree</em> &eacute;t&eacute; 4 &mdash; !<br>Zürich<iframe>no</iframe>`)
  expect(words).toBe(8)
})

test('lists links once, whole, without the place on the page, and web pages only', async () => {
  const { links, counts } =
    await read(`<a href="/a#x">A</a> <a href="/a#y">again</a> <a href="b?c=1&amp;d=2"> B <b>b</b> </a>
    <a href="//cdn.example.org">C</a> <a href="?q">Q</a> <a href="mailto:a@b.c">m</a> <a href="javascript:x()">j</a>
    <a href="http://[bad">bad</a> <a href="/${'x'.repeat(1_000)}">long</a> <a>none</a> <a href="/img"><img src=i.png></a>`)
  expect(links).toEqual([
    { url: 'https://example.com/a', text: 'A' },
    { url: 'https://example.com/shop/b?c=1&d=2', text: 'B b' },
    { url: 'https://cdn.example.org/', text: 'C' },
    { url: 'https://example.com/shop/list?q', text: 'Q' },
    { url: 'https://example.com/img', text: '' },
  ])
  expect(counts.links).toBe(5)
})

test('takes the base that the page gives', async () => {
  const { links, images } = await read(
    '<base href="/other/"><base href="/no/"><a href="x">x</a><img src="y.png" alt=" Y ">',
  )
  expect(links).toEqual([{ url: 'https://example.com/other/x', text: 'x' }])
  expect(images).toEqual([{ url: 'https://example.com/other/y.png', alt: 'Y' }])
})

test('lists images, also those that come in several sizes only', async () => {
  const { images } = await read(
    '<img src="a.jpg" alt="A"><img src="a.jpg"><img srcset="b.jpg 1x, c.jpg 2x"><img src="data:x">',
  )
  expect(images).toEqual([
    { url: 'https://example.com/shop/a.jpg', alt: 'A' },
    { url: 'https://example.com/shop/b.jpg', alt: '' },
  ])
})

test('follows no link that is not to be followed', async () => {
  expect((await read('<a href="/a" rel="sponsored nofollow">a</a><a href="/b">b</a>')).followable).toEqual([
    'https://example.com/b',
  ])
  expect((await read('<meta name=robots content="noindex, NOFOLLOW"><a href="/b">b</a>')).followable).toEqual([])
})

describe('decodes', () => {
  const greeting = '<title>Grüße</title>'
  test.for([
    ['UTF-8 that says so', Buffer.from(greeting), 'text/html; charset=utf-8', 'utf-8', 'Grüße'],
    ['UTF-8 that says nothing', Buffer.from(greeting), 'text/html', 'utf-8', 'Grüße'],
    ['Latin-1 that says nothing', Buffer.from(greeting, 'latin1'), 'text/html', 'windows-1252', 'Grüße'],
    [
      'Latin-1 by its header',
      Buffer.from(greeting, 'latin1'),
      'text/html; charset="ISO-8859-1"',
      'windows-1252',
      'Grüße',
    ],
    ['UTF-16 by its mark', Buffer.from(`\ufeff${greeting}`, 'utf16le'), 'text/html', 'utf-16le', 'Grüße'],
    [
      'Cyrillic by its meta',
      Buffer.concat([Buffer.from('<meta charset=koi8-r><title>'), Buffer.from('f0d2c9d7c5d4', 'hex')]),
      'text/html',
      'koi8-r',
      'Привет',
    ],
    [
      'Japanese by its meta',
      Buffer.concat([
        Buffer.from('<meta http-equiv="Content-Type" content="text/html; charset=Shift_JIS"><title>'),
        Buffer.from('93fa967b8cea', 'hex'),
      ]),
      'text/html',
      'shift_jis',
      '日本語',
    ],
    [
      'Chinese by its header, which wins over a meta',
      Buffer.concat([Buffer.from('<meta charset=utf-8><title>'), Buffer.from('d6d0cec4', 'hex')]),
      'text/html; charset=gb2312',
      'gbk',
      '中文',
    ],
    [
      'an encoding that is not safe, as what it is not',
      Buffer.from('<title>+ADw-</title>'),
      'text/html;charset=iso-2022-kr',
      'replacement',
      '+ADw-',
    ],
    ['an encoding that nobody knows', Buffer.from(greeting), 'text/html; charset=klingon', 'utf-8', 'Grüße'],
  ] as const)('%s', async ([, bytes, contentType, charset, title]) => {
    expect(await read(bytes as Buffer, contentType)).toMatchObject({ charset, title })
  })
})

describe('is not stopped by', () => {
  test('a page in pieces', async () => {
    expect(await read('<title>cut')).toMatchObject({ title: 'cut' })
    expect(await read('<a href="/x')).toMatchObject({ links: [] })
    expect(await read('<!-- never closed <a href="/x">x</a>')).toMatchObject({ words: 0 })
    expect(await read('</h1></a></title><h2>a<h2>b</p></table>')).toMatchObject({ counts: { headings: 2 } })
  })

  test('binary', async () => {
    expect(await read(Buffer.from(Array.from({ length: 10_000 }, (_, index) => (index * 7_919) % 256)))).toMatchObject({
      title: null,
    })
  })

  test('what no database takes: a NUL, and half a character', async () => {
    const page = await read(
      `<html lang="${'a'.repeat(34)}😀"><title>a\0b</title><meta name=description content="\0"><a href="/\0">\0</a><img src=/x alt="\0">`,
    )
    expect(page).toMatchObject({ title: 'a\ufffdb', language: `${'a'.repeat(34)}\ufffd` })
    expect(() => toStoredJson(page, 'result', MAX_DATA_BYTES)).not.toThrow()
  })

  const MIB = 1024 * 1024
  test.for([
    ['elements that are never closed', '<b>'.repeat(MIB)],
    ['elements that are never closed, and ends of others', '<b>'.repeat(MIB / 2) + '</i>'.repeat(MIB / 2)],
    ['headings in headings', '<h1>x'.repeat(MIB)],
    ['links in links', '<a href="/a">x'.repeat(300_000)],
    ['many links', Array.from({ length: 200_000 }, (_, index) => `<a href="/${index}">${index}</a>`).join('')],
    ['one long attribute', `<a href="${'x'.repeat(4 * MIB)}">x</a>`],
    ['one long word', 'x'.repeat(5 * MIB)],
    ['many attributes', `<a ${Array.from({ length: 300_000 }, (_, index) => `a${index}=1`).join(' ')}>`],
    ['many spaces', `<title>${' '.repeat(4 * MIB)}</title><meta name=description content="${' '.repeat(MIB)}">`],
    ['many entities', '&amp;'.repeat(MIB)],
    ['many openings', '<'.repeat(5 * MIB)],
    ['many comments', '<!--'.repeat(MIB)],
  ] as const)('%s', async ([, html]) => {
    const { links, headings, ...rest } = await read(html)
    expect(links.length).toBeLessThanOrEqual(2_000)
    expect(headings.length).toBeLessThanOrEqual(500)
    expect(JSON.stringify(rest).length).toBeLessThan(300_000)
  })
})

test.for([
  ['text/html', true],
  ['text/html; charset=utf-8', true],
  ['application/xhtml+xml', true],
  ['', true],
  ['text/plain', false],
  ['application/pdf', false],
  ['image/svg+xml', false],
  ['text/htmlx', false],
] as const)('"%s" is a page: %s', ([contentType, expected]) => {
  expect(isHtml(contentType)).toBe(expected)
})
