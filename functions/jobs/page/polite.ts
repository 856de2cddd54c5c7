import { setTimeout as sleep } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import robotsParser from 'robots-parser'
import type { FetchOptions, Web, WebAnswer } from '../../../lib/web/web.ts'
import { WebError } from '../../../lib/web/web-error.ts'

/** As it is at run time: its types are an ES module's, which it is not. */
const parseRobots = robotsParser as unknown as (
  url: string,
  text: string,
) => {
  isAllowed(url: string, agent: string): boolean | undefined
  getCrawlDelay(agent: string): number | undefined
}

/** As `robots.txt` names it. */
const AGENT = 'Stint'

/** Hosts that ask for more don't get it: the job would outlive its time. */
const MAX_DELAY_SECONDS = 10

/** Of a robots.txt, what is read: matching costs the length of the rules times that of an address. */
const READ_ROBOTS_BYTES = 128 * 1024

/** Why a page was not asked for. */
type Refusal = 'disallowed' | 'unknown'

export interface Polite {
  /** Whether the host's robots.txt lets us; `unknown` when it can't be read now. @throws {WebError} like `get` */
  refusal(url: string): Promise<Refusal | undefined>
  /** GETs a page when its host has had its rest. @throws {WebError} */
  get(url: string, options: Omit<FetchOptions, 'signal'>): Promise<WebAnswer>
}

interface Rules {
  refusal(url: string): Refusal | undefined
  delaySeconds: number
}

/**
 * Asks each host at most once a second, or as seldom as its robots.txt wants, and for nothing that it forbids (RFC 9309).
 * @param rested whether no host was asked just before: by the stint before this one
 */
export const politely = (
  web: Pick<Web, 'get' | 'crawlDelaySeconds'>,
  { signal, rested }: { signal: AbortSignal; rested: boolean },
): Polite => {
  const startedMs = performance.now()
  const askedMs = new Map<string, number>()
  const rules = new LRUCache<string, Promise<Rules>>({ max: 20 })

  const get = async (url: URL, options: Omit<FetchOptions, 'signal'>, delaySeconds: number): Promise<WebAnswer> => {
    const last = askedMs.get(url.host) ?? (rested ? Number.NEGATIVE_INFINITY : startedMs)
    const waitMs = last + delaySeconds * 1_000 - performance.now()
    if (waitMs > 0) await sleep(waitMs, undefined, { signal })
    try {
      return await web.get(url.href, { ...options, signal })
    } finally {
      askedMs.set(url.host, performance.now())
    }
  }

  const rulesFor = (url: URL): Promise<Rules> => {
    const known = rules.get(url.origin)
    if (known) return known
    const robots = new URL('/robots.txt', url)
    const read = get(robots, { maxBytes: READ_ROBOTS_BYTES, cut: true }, web.crawlDelaySeconds).then(
      (answer) => rulesOf(robots, answer, web.crawlDelaySeconds),
      (error) => noneIfCircular(error, web.crawlDelaySeconds),
    )
    rules.set(url.origin, read)
    return read
  }

  return {
    refusal: async (url) => (await rulesFor(new URL(url))).refusal(url),
    get: async (url, options) => get(new URL(url), options, (await rulesFor(new URL(url))).delaySeconds),
  }
}

const rulesOf = (robots: URL, { status, bytes }: WebAnswer, crawlDelaySeconds: number): Rules => {
  // A host that is in trouble is left alone; one without rules has none.
  if (status >= 500 || status === 429) return { refusal: () => 'unknown', delaySeconds: crawlDelaySeconds }
  if (status >= 300) return noRules(crawlDelaySeconds)
  const parsed = parseRobots(robots.href, bytes.toString())
  const wanted = parsed.getCrawlDelay(AGENT) ?? 0
  return {
    refusal: (url) => (parsed.isAllowed(url, AGENT) === false ? 'disallowed' : undefined),
    delaySeconds: crawlDelaySeconds === 0 ? 0 : Math.max(crawlDelaySeconds, Math.min(wanted, MAX_DELAY_SECONDS)),
  }
}

/** One that redirects without end is no robots.txt (RFC 9309); that it does says nothing of the host's pages. */
const noneIfCircular = (error: unknown, delaySeconds: number): Rules => {
  if (error instanceof WebError && error.code === 'TOO_MANY_REDIRECTS') return noRules(delaySeconds)
  throw error
}

const noRules = (delaySeconds: number): Rules => ({ refusal: () => undefined, delaySeconds })
