import { serveJobs } from '../../lib/jobs/serve-thread.ts'
import { allKinds } from '../jobs/index.ts'

/** What the worker's threads run. */
export default serveJobs(allKinds)
