import type { Handler } from 'htmlparser2'
import { createCaptures, tidy } from './captures.ts'

/** Of each of these, what a page has more is counted and not kept. */
const MAX_HEADINGS = 500
const MAX_LINKS = 2_000
const MAX_IMAGES = 1_000

/** Longer addresses are counted and neither kept nor followed. */
export const MAX_URL_LENGTH = 1_000

/** Browsers nest no deeper than 512. From here on a page isn't read: closing a tag takes the longer the deeper it is. */
const MAX_DEPTH = 2_000

export interface PageContent {
  title: string | null
  description: string | null
  language: string | null
  charset: string
  words: number
  headings: { level: number; text: string }[]
  links: { url: string; text: string }[]
  images: { url: string; alt: string }[]
  /** How many there are, whether they are kept or not: headings, and addresses of links and images. */
  counts: { headings: number; links: number; images: number }
  /** The addresses of the links that a crawler may follow. */
  followable: string[]
}

/** Elements that don't separate words. */
const INLINE = new Set(
  'a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd mark q s samp small span strong sub sup u var wbr'.split(
    ' ',
  ),
)

/** Elements whose text isn't shown on the page. */
const HIDDEN = new Set(['head', 'title', 'script', 'style', 'noscript', 'template', 'svg', 'math', 'iframe', 'object'])

/** Collects the contents of a page while a parser runs over it. */
export const createReader = (url: URL) => {
  let base = url
  let title: string | undefined
  let language: string | undefined
  let description: string | undefined
  let ogDescription: string | undefined
  let nofollow = false
  let hidden = 0
  let insideDrawing = 0
  let depth = 0
  let headingCount = 0
  let linkCount = 0
  let imageCount = 0
  const text: string[] = []
  const headings: PageContent['headings'] = []
  const links = new Map<string, { text: string; nofollow: boolean }>()
  const images = new Map<string, string>()
  const captures = createCaptures()

  const apart = (): void => {
    text.push(' ')
    captures.add(' ')
  }

  const onTitle = (captured: string): void => {
    title ??= captured
  }
  const onMeta = ({ name = '', property = '', content = '' }: Record<string, string>): void => {
    if (/^description$/i.test(name)) description ??= tidy(content)
    if (/^og:description$/i.test(property)) ogDescription ??= tidy(content)
    if (/^robots$/i.test(name) && /\b(nofollow|none)\b/i.test(content)) nofollow = true
  }
  const onLink = ({ href, rel = '' }: Record<string, string>): void => {
    const to = address(href, base)
    if (!to) return
    const known = links.get(to)
    if (!known) linkCount++
    if (!known && links.size >= MAX_LINKS) return
    const link = known ?? { text: '', nofollow: /\bnofollow\b/i.test(rel) }
    links.set(to, link)
    captures.begin('a', (captured) => {
      link.text ||= captured
    })
  }
  const onImage = ({ src, srcset = '', alt = '' }: Record<string, string>): void => {
    const at = address(src ?? srcset.trim().split(/\s/)[0], base)
    if (!at || images.has(at)) return
    imageCount++
    if (images.size < MAX_IMAGES) images.set(at, tidy(alt))
  }

  const handler: Partial<Handler> = {
    onopentag: (name, attributes) => {
      depth++
      if (name === 'html') language ??= attributes['lang']?.trim().slice(0, 35).toWellFormed()
      else if (name === 'base' && base === url) base = URL.parse(attributes['href'] ?? '', url.href) ?? url
      else if (name === 'meta') onMeta(attributes)
      else if (name === 'title' && !insideDrawing) captures.begin(name, onTitle)
      else if (name === 'a') onLink(attributes)
      else if (name === 'img') onImage(attributes)
      else if (/^h[1-6]$/.test(name)) {
        headingCount++
        const level = Number(name[1])
        captures.begin(name, (captured) => {
          if (headings.length < MAX_HEADINGS) headings.push({ level, text: captured })
        })
      }
      if (name === 'svg' || name === 'math') insideDrawing++
      if (HIDDEN.has(name)) hidden++
      if (!INLINE.has(name)) apart()
    },
    onclosetag: (name) => {
      depth--
      captures.end(name)
      if (name === 'svg' || name === 'math') insideDrawing--
      if (HIDDEN.has(name)) hidden--
      if (!INLINE.has(name)) apart()
    },
    ontext: (piece) => {
      if (hidden === 0) text.push(piece)
      captures.add(piece)
    },
  }
  const content = (charset: string): PageContent => ({
    title: title || null,
    description: description || ogDescription || null,
    language: language || null,
    charset,
    words: countWords(text.join('')),
    headings,
    links: [...links].map(([to, it]) => ({ url: to, text: it.text })),
    images: [...images].map(([at, alt]) => ({ url: at, alt })),
    counts: { headings: headingCount, links: linkCount, images: imageCount },
    followable: nofollow ? [] : [...links].flatMap(([to, it]) => (it.nofollow ? [] : to)),
  })

  return { handler, content, isTooDeep: () => depth > MAX_DEPTH }
}

/** The address that a reference leads to, if it is a web page; without the fragment. */
const address = (reference: string | undefined, base: URL): string | undefined => {
  if (reference === undefined) return undefined
  const to = URL.parse(reference.trim(), base.href)
  if (!to || !/^https?:$/.test(to.protocol)) return undefined
  to.hash = ''
  return to.href.length <= MAX_URL_LENGTH ? to.href : undefined
}

/** Runs of letters and digits; what is written without spaces between its words counts as one. */
const countWords = (text: string): number => text.match(/[\p{L}\p{N}\p{M}]+(?:['’-][\p{L}\p{N}\p{M}]+)*/gu)?.length ?? 0
