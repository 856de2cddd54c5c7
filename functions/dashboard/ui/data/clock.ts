/** A smaller difference counts as none: `Date` has whole seconds, and answers take a while. */
const TOLERANCE_MS = 5_000

/** How far the API's clock is ahead of the browser's, which may be off by minutes. */
let aheadMs = 0

/** Takes the `Date` of an answer. */
export const noteDate = (date: string | null): void => {
  const apartMs = Date.parse(date ?? '') - Date.now()
  if (!Number.isNaN(apartMs)) aheadMs = Math.abs(apartMs) > TOLERANCE_MS ? apartMs : 0
}

/** Now, by the clock that the times of jobs are from. */
export const currentMs = (): number => Date.now() + aheadMs
