import { type JobKind, listKinds } from '../../lib/jobs/define.ts'
import { accountMail } from './account-mail.ts'
import { dataAnalyze } from './data-analyze.ts'
import { debugNoop } from './debug-noop.ts'
import { imageConvert } from './image-convert.ts'
import { imageResize } from './image-resize.ts'
import { mailSend } from './mail-send.ts'
import { mathBinomial } from './math-binomial.ts'
import { mathBinomialExpansion } from './math-binomial-expansion.ts'
import { mathPi } from './math-pi.ts'
import { modelRun } from './model-run.ts'
import { pageParse } from './page-parse.ts'
import { reportBuild } from './report-build.ts'
import { serialsGenerate } from './serials-generate.ts'

/** Every kind of job that people may submit. */
export const kinds: readonly JobKind[] = [
  mathPi,
  mathBinomial,
  mathBinomialExpansion,
  serialsGenerate,
  imageResize,
  imageConvert,
  dataAnalyze,
  pageParse,
  mailSend,
  reportBuild,
  modelRun,
  debugNoop,
]

/** With those that only Stint itself submits. */
export const allKinds = listKinds([...kinds, accountMail])
