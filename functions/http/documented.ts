import type { Resource } from '../../lib/http/resource.ts'
import { handler as dashboard } from '../dashboard/handler.ts'
import { handler as apiKeys } from './api-keys.ts'
import { handler as audit } from './audit.ts'
import { handler as auth } from './auth.ts'
import { handler as authMail } from './auth-mail.ts'
import { handler as catalogue } from './catalogue.ts'
import { handler as files } from './files.ts'
import { handler as images } from './images.ts'
import { handler as insights } from './insights.ts'
import { handler as jobs } from './jobs.ts'
import { handler as live } from './live.ts'
import { handler as manyJobs } from './many-jobs.ts'
import { handler as projects } from './projects.ts'
import { handler as queues } from './queues.ts'
import { handler as rpc } from './rpc.ts'
import { handler as schedules } from './schedules.ts'
import { handler as submissions } from './submissions.ts'
import { handler as system } from './system.ts'

/** The resources that the documentation describes, by the name of their file: all but the documentation's own. */
export const documented = {
  auth,
  'auth-mail': authMail,
  projects,
  'api-keys': apiKeys,
  audit,
  submissions,
  jobs,
  'many-jobs': manyJobs,
  insights,
  files,
  images,
  schedules,
  queues,
  catalogue,
  live,
  rpc,
  system,
  dashboard,
} as const satisfies Readonly<Record<string, Resource>>
