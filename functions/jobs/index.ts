import type { JobKind } from '../../lib/jobs/define.ts'
import { debugNoop } from './debug-noop.ts'
import { imageResize } from './image-resize.ts'
import { mathPi } from './math-pi.ts'
import { serialsGenerate } from './serials-generate.ts'

/** Every kind of job there is. */
export const kinds: readonly JobKind[] = [mathPi, serialsGenerate, imageResize, debugNoop]
