import { configure } from 'safe-stable-stringify'
import { MAX_DEPTH } from './json-depth.ts'

/** Any value as JSON, even with circles and large integers; functions and anything nested too deep are left out. */
export const stringifyAny = configure({ maximumDepth: MAX_DEPTH })
