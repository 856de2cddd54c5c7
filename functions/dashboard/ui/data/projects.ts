import { computed, signal } from '@preact/signals'
import { allOf } from './all-of.ts'
import { api } from './client.ts'
import { useQuery } from './query.ts'

const KEY = 'stint.project'

/** The project that is looked at; null: all of one's projects. */
export const projectId = signal<string | null>(sessionStorage.getItem(KEY))

export const chooseProject = (id: string | null): void => {
  projectId.value = id
  if (id === null) sessionStorage.removeItem(KEY)
  else sessionStorage.setItem(KEY, id)
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
