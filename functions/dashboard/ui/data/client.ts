import { type Client, createClient } from '../../../../lib/client/client.ts'
import type { Api } from '../../../http/api.ts'
import { credentials } from './credentials.ts'

/** The API, of the origin that the page is from. */
export const api: Client<Api> = createClient<Api>({ baseUrl: '', credentials })
