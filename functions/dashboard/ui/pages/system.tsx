import { api } from '../data/client.ts'
import { useQuery } from '../data/query.ts'
import { user } from '../data/session.ts'
import { AuditList } from '../parts/audit/audit-list.tsx'
import { Page } from '../parts/page.tsx'
import { Pending } from '../parts/pending.tsx'
import { Components } from './system/components.tsx'
import { Machine } from './system/machine.tsx'
import { Processes } from './system/processes.tsx'

const POLL_MS = 3_000

/** What Stint runs on, and whether all of it works. Admins can also start and stop its processes here. */
export const SystemPage = () => {
  const { data, problem } = useQuery('system', (signal) => api.call('GET /system', { signal }), {
    everyMs: POLL_MS,
    still: true,
  })
  const isAdmin = user.value?.isAdmin ?? false
  return (
    <Page title="System" lead={data && `Stint ${data.versions.stint} on Node ${data.versions.node}`}>
      <Pending data={data} problem={problem} lines={6} />
      {data && (
        <div class="system-grid">
          <Components components={data.components} postgres={data.versions.postgres} />
          <Machine system={data} />
        </div>
      )}
      {data?.managesProcesses && isAdmin && <Processes />}
      {data?.managesProcesses && !isAdmin && (
        <p class="soft">
          Only admins see the processes, their logs and the audit log of all projects. To become an admin, run this on
          the machine that Stint runs on: <code>npx stint admin add {user.value?.email}</code>
        </p>
      )}
      {isAdmin && (
        <AuditList
          name="audit"
          load={(cursor, signal) => api.call('GET /audit', { query: { cursor, limit: 20 }, signal })}
        />
      )}
    </Page>
  )
}
