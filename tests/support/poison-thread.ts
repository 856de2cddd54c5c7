import { serveJobs } from '../../lib/jobs/serve-thread.ts'
import { poisonKinds } from './poison-kinds.ts'

export default serveJobs(poisonKinds)
