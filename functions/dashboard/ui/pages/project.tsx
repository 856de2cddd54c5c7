import { useSignal } from '@preact/signals'
import { useLocation, useRoute } from 'preact-iso'
import { api } from '../data/client.ts'
import { chooseProject, projectId, useProjects } from '../data/projects.ts'
import { useQuery } from '../data/query.ts'
import { TextField } from '../forms/text-field.tsx'
import { Action } from '../parts/action.tsx'
import { Page } from '../parts/page.tsx'
import { Pending } from '../parts/pending.tsx'
import { isSure } from '../parts/question.tsx'
import { ApiKeys } from './projects/api-keys.tsx'
import { ProjectAudit } from './projects/audit.tsx'
import { DeviceModels } from './projects/device-models.tsx'
import { Members } from './projects/members.tsx'

/** One project: its members, its device models, its API keys, and its audit log. */
export const ProjectPage = () => {
  const id = useRoute().params['id'] ?? ''
  const { route } = useLocation()
  const { data, problem, reload } = useQuery(
    `project ${id}`,
    (signal) => api.call('GET /projects/{projectId}', { params: { projectId: id }, signal }),
    { still: true },
  )
  const all = useProjects()
  const project = data?.project
  if (!project) {
    return (
      <Page title="Project">
        <Pending data={data} problem={problem} lines={5} />
      </Page>
    )
  }
  const look = async (): Promise<void> => {
    chooseProject(id)
    route('/dashboard/jobs')
  }
  const remove = async (): Promise<void> => {
    const text = 'Its jobs, files, schedules and keys are deleted too.'
    if (!(await isSure(`Delete “${project.name}”?`, text, 'Delete it'))) return
    await api.call('DELETE /projects/{projectId}', { params: { projectId: id } })
    if (projectId.value === id) chooseProject(null)
    await all.reload()
    route('/dashboard/projects')
  }
  return (
    <Page
      title={project.name}
      lead={`You are ${project.role === 'owner' ? 'an' : 'a'} ${project.role}.`}
      actions={
        <>
          <Action run={look}>Show jobs</Action>
          {project.role === 'owner' && (
            <Action run={remove} kind="quiet">
              Delete
            </Action>
          )}
        </>
      }
    >
      {project.role === 'owner' && (
        <Rename
          id={id}
          name={project.name}
          done={async () => {
            await Promise.all([reload(), all.reload()])
          }}
        />
      )}
      <Members projectId={id} isOwner={project.role === 'owner'} />
      <DeviceModels projectId={id} mayChange={project.role !== 'viewer'} />
      {project.role !== 'viewer' && <ApiKeys projectId={id} />}
      {project.role !== 'viewer' && <ProjectAudit projectId={id} />}
    </Page>
  )
}

const Rename = ({ id, name, done }: { id: string; name: string; done: () => Promise<void> }) => {
  const next = useSignal(name)
  const rename = async (): Promise<void> => {
    await api.call('PATCH /projects/{projectId}', { params: { projectId: id }, body: { name: next.value } })
    await done()
  }
  return (
    <section class="card inline-form" aria-label="Name">
      <TextField label="Name" name="name" value={next} />
      <Action run={rename} disabled={next.value.trim() === '' || next.value === name}>
        Rename
      </Action>
    </section>
  )
}
