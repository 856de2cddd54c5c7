import { Option } from 'commander'

/** What {@link print} obeys. */
export const JSON_OPTION = new Option('--json', 'print JSON')

/** Of a command that works in one project. */
export const OWN_PROJECT = new Option('--project-id <id>', 'default: your own project')

/** Of a list, which is of all projects by default. */
export const ALL_PROJECTS = new Option('--project-id <id>', 'default: all your projects')

export interface JsonOption {
  json?: boolean | undefined
}

export interface ProjectOption extends JsonOption {
  projectId?: string
}
