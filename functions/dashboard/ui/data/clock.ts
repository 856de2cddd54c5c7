/** A smaller difference is ignored: `Date` headers are in whole seconds, and answers take a while. */
const TOLERANCE_MS = 5_000

/** How far the API's clock is ahead of the browser's, which may be off by minutes. */
let aheadMs = 0

/** Sets the clock by the `Date` header of an answer. */
export const noteDate = (date: string | null): void => {
  const apartMs = Date.parse(date ?? '') - Date.now()
  if (!Number.isNaN(apartMs)) aheadMs = Math.abs(apartMs) > TOLERANCE_MS ? apartMs : 0
}

/** Now, by the API's clock, which the times of jobs come from. */
export const currentMs = (): number => Date.now() + aheadMs
