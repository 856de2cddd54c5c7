import type { Route } from '../../lib/http/declaration.ts'
import type { Resource } from '../../lib/http/resource.ts'
import { handler as docs } from './docs.ts'
import { documented } from './documented.ts'

/** Every resource there is, one Lambda function each. No function imports this list: each would carry all of them. */
export const resources: readonly Resource[] = [...Object.values(documented), docs]

export const routes: readonly Route[] = resources.flatMap((resource) => resource.routes)
