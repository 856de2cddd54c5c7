import { Option } from 'commander'

/** Of a command that works in one project. */
export const OWN_PROJECT = new Option('--project-id <id>', 'default: your own project')

/** Of a list, which is of all projects by default. */
export const ALL_PROJECTS = new Option('--project-id <id>', 'default: all your projects')

/** Of every command (program.ts). */
export interface JsonOption {
  json?: boolean | undefined
}

export interface ProjectOption extends JsonOption {
  projectId?: string
}
