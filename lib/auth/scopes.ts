/** What an API key may do, within the role of the person who made it. Writing includes reading. */
export const SCOPES = [
  'jobs:read',
  'jobs:write',
  'files:read',
  'files:write',
  'schedules:read',
  'schedules:write',
  'catalogue:read',
  'catalogue:write',
] as const

export type Scope = (typeof SCOPES)[number]

export const includesScope = (granted: readonly string[], needed: Scope): boolean =>
  granted.includes(needed) || (needed.endsWith(':read') && granted.includes(needed.replace(/read$/, 'write')))
