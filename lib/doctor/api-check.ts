import type { Check } from './check.ts'

/** What `GET /health` of the API says: of all, and of each component. */
export interface Health {
  status: string
  components: readonly { name: string; status: string }[]
}

/** Where the API is, and how to ask it. */
export interface Api {
  /** Null while nothing of the stack answers requests. */
  url: string | null
  /** @throws when it gives no answer in time, or one that tells nothing of its components */
  askHealth(url: string): Promise<Health>
}

const REMEDY = 'its log may say why; if its process stands still, end it, and it is started again'

/** The checks that follow read the database: they find nothing wrong with a host that stands still, or with a silent Kafka. */
export const apiCheck = ({ url, askHealth }: Api): Check => ({
  name: 'api',
  look: async () => {
    if (url === null) return [{ what: 'the host does not run just now', remedy: 'where `npm start` runs it says why' }]
    try {
      const { components } = await askHealth(url)
      const down = components.filter(({ status }) => status !== 'up')
      return down.map(({ name }) => ({ what: `${name} is down, as the API sees it`, remedy: REMEDY }))
    } catch (error) {
      return [{ what: `the API at ${url} gives no answer: ${(error as Error).message}`, remedy: REMEDY }]
    }
  },
})
