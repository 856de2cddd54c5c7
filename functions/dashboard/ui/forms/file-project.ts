import { createContext } from 'preact'

/** The project that uploaded files go to: that of the job which is being written. */
export const FileProject = createContext<string | undefined>(undefined)
