import { api } from '../../data/client.ts'
import { AuditList } from '../../parts/audit/audit-list.tsx'
import { useMembers } from './members.tsx'

/** The audit log of a project. */
export const ProjectAudit = ({ projectId }: { projectId: string }) => {
  const { data } = useMembers(projectId)
  const names = new Map(data?.items.map((it) => [it.userId, it.name]))
  return (
    <AuditList
      name={`audit ${projectId}`}
      load={(cursor, signal) =>
        api.call('GET /projects/{projectId}/audit', { params: { projectId }, query: { cursor, limit: 20 }, signal })
      }
      nameOf={(userId) => names.get(userId)}
    />
  )
}
