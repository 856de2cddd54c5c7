import { serveJobs } from '../../lib/jobs/serve-thread.ts'
import { spin } from './engine-thread-kinds.ts'

export default serveJobs([spin])
