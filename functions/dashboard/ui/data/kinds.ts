import { api } from './client.ts'
import { useQuery } from './query.ts'

/** The kinds of job. They only change when code is deployed. */
export const useKinds = () => {
  const query = useQuery('kinds', (signal) => api.call('GET /job-kinds', { signal }), { still: true })
  return { ...query, kinds: query.data?.items ?? [] }
}
