import { serveJobs } from '../../lib/jobs/serve-thread.ts'
import { kinds } from '../jobs/index.ts'

/** What the worker's threads run. */
export default serveJobs(kinds)
