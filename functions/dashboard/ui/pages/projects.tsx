import { useSignal } from '@preact/signals'
import { useLocation } from 'preact-iso'
import { api } from '../data/client.ts'
import { useProjects } from '../data/projects.ts'
import { useSubmission } from '../forms/submission.ts'
import { TextField } from '../forms/text-field.tsx'
import { Action } from '../parts/action.tsx'
import { Dialog } from '../parts/dialog.tsx'
import { Page } from '../parts/page.tsx'
import { Pending } from '../parts/pending.tsx'
import { Problem } from '../parts/problem.tsx'

/** The projects that the person belongs to. */
export const ProjectsPage = () => {
  const { projects, data, problem, reload } = useProjects()
  const { route } = useLocation()
  const isNew = useSignal(false)
  const name = useSignal('')
  const adding = useSubmission(async () => {
    const { project } = await api.call('POST /projects', { body: { name: name.value } })
    await reload()
    route(`/dashboard/projects/${project.id}`)
  })
  const open = async (): Promise<void> => {
    isNew.value = true
  }
  return (
    <Page
      title="Projects"
      actions={
        <Action run={open} kind="primary">
          New project
        </Action>
      }
    >
      <Pending data={data} problem={problem} lines={3} />
      <ul class="cards three">
        {projects.map((it) => (
          <li key={it.id} class="card">
            <h2>
              <a href={`/dashboard/projects/${it.id}`}>{it.name}</a>
            </h2>
            <p class="soft">
              You are {it.role}
              {it.isPersonal && '. Jobs that name no project go here'}.
            </p>
          </li>
        ))}
      </ul>
      {isNew.value && (
        <Dialog
          title="New project"
          close={() => {
            isNew.value = false
          }}
        >
          <form class="dialog-form" onSubmit={adding.submit} noValidate>
            <TextField label="Name" name="name" value={name} error={adding.errors.get('name')} />
            {adding.errors.size === 0 && <Problem problem={adding.problem} />}
            <button type="submit" class="button primary" disabled={adding.busy} aria-busy={adding.busy}>
              Create project
            </button>
          </form>
        </Dialog>
      )}
    </Page>
  )
}
