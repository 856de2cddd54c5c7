import { computed, signal } from '@preact/signals'
import { allOf } from './all-of.ts'
import { api } from './client.ts'
import { useQuery } from './query.ts'
import { user } from './session.ts'

const KEY = 'stint.project'

/** Who chose, and what: `user project`. It outlives a session that ends, until the same person is back. */
const chosen = signal(sessionStorage.getItem(KEY) ?? '')

/** The project that is looked at; null: all of one's projects. */
export const projectId = computed(() => {
  const [by, id = null] = chosen.value.split(' ')
  return by === user.value?.id ? id : null
})

export const chooseProject = (id: string | null): void => {
  chosen.value = id === null ? '' : `${user.peek()?.id} ${id}`
  sessionStorage.setItem(KEY, chosen.value)
}

/** As a query of the API takes it. */
export const projectQuery = computed(() => (projectId.value === null ? {} : { projectId: projectId.value }))

/** Others add one to projects, and delete them. */
const LOOK_MS = 30_000

export const useProjects = () => {
  const query = useQuery('projects', (signal) => allOf(api.each('GET /projects', { signal })), {
    everyMs: LOOK_MS,
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
