import { serveJobs } from '../../lib/jobs/serve-thread.ts'
import { effect, lastWords, nest, oddThread, spin, submitting, talkThread } from './engine-thread-kinds.ts'

export default serveJobs([spin, effect, lastWords, oddThread, nest, submitting, talkThread])
