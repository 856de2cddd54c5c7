import { type Client, createClient } from '../../../../lib/client/client.ts'
import type { Api } from '../../../http/api.ts'
import { noteDate } from './clock.ts'
import { credentials } from './credentials.ts'

/** The API, at the page's own origin. */
export const api: Client<Api> = createClient<Api>({
  baseUrl: '',
  credentials,
  fetch: async (input, init) => {
    const response = await fetch(input, init)
    noteDate(response.headers.get('date'))
    return response
  },
})
