import { configure } from 'safe-stable-stringify'
import { MAX_DEPTH } from './json-depth.ts'

/** Whatever it is as JSON: circles and large integers too; functions, and what is nested too deep, are left out. */
export const looseJson = configure({ maximumDepth: MAX_DEPTH })
