import { computed, signal } from '@preact/signals'
import { allOf } from './all-of.ts'
import { api } from './client.ts'
import { useQuery } from './query.ts'
import { user } from './session.ts'

const KEY = 'stint.project'

/** Who chose which project: `user project`. It is kept when a session ends, for when the same person comes back. */
const chosen = signal(sessionStorage.getItem(KEY) ?? '')

/** The chosen project; null stands for all projects of the person. */
export const projectId = computed(() => {
  const [by, id = null] = chosen.value.split(' ')
  return by === user.value?.id ? id : null
})

export const chooseProject = (id: string | null): void => {
  chosen.value = id === null ? '' : `${user.peek()?.id} ${id}`
  sessionStorage.setItem(KEY, chosen.value)
}

/** The same as a query of the API. */
export const projectQuery = computed(() => (projectId.value === null ? {} : { projectId: projectId.value }))

/** Read again at times, since other people can add this person to projects, or delete projects. */
const POLL_MS = 30_000

export const useProjects = () => {
  const query = useQuery('projects', (signal) => allOf(api.each('GET /projects', { signal })), {
    everyMs: POLL_MS,
    still: true,
  })
  return { ...query, projects: query.data?.items ?? [] }
}
export type Project = ReturnType<typeof useProjects>['projects'][number]

/** The chosen project, or the only one that a new job can go to if none is chosen: the personal one. */
export const useTargetProject = (): Project | undefined => {
  const { projects } = useProjects()
  return projects.find((it) => it.id === projectId.value) ?? projects.find((it) => it.isPersonal) ?? projects[0]
}
