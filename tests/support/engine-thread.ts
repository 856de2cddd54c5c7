import { serveJobs } from '../../lib/jobs/serve-thread.ts'
import { effect, lastWords, nest, oddThread, spin, talkThread } from './engine-thread-kinds.ts'

export default serveJobs([spin, effect, lastWords, oddThread, nest, talkThread])
