import type { ApiOf } from '../../lib/client/api.ts'
import type { documented } from './documented.ts'

/** The types of every documented route, for `createClient<Api>(…)` of lib/client. */
export type Api = ApiOf<(typeof documented)[keyof typeof documented]>
