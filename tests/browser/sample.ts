import type { Api } from '../../functions/http/api.ts'
import { drawPicture } from '../../infra/demo/picture.ts'
import { type Client, createClient } from '../../lib/client/client.ts'
import { refreshing } from '../../lib/client/credentials.ts'

export const PASSWORD = 'correct horse battery'

export interface Sample {
  client: Client<Api>
  email: string
  projectId: string
  /** Jobs that are worth a look, by what they show. */
  jobs: Record<'pi' | 'picture' | 'table' | 'graph' | 'failed', string>
}

/** Fills a stack with what a team has on a usual day: jobs of every kind and state, schedules, failures. */
export const fill = async (baseUrl: string, email: string): Promise<Sample> => {
  const credentials = refreshing({ baseUrl })
  const client = createClient<Api>({ baseUrl, credentials })
  await credentials.adopt(
    await client.call('POST /auth/register', { body: { email, password: PASSWORD, name: 'Ada Lovelace' } }),
  )
  const { project } = await client.call('POST /projects', { body: { name: 'Weather stations' } })
  const projectId = project.id
  const submit = async (kind: string, input: object, over: object = {}): Promise<string> =>
    (await client.call('POST /jobs', { body: { kind, input, projectId, ...over } })).job.id

  await client.call('POST /device-models', { body: { code: '0111', name: 'Thermometer', projectId } })
  const { bytes, name } = await drawPicture()
  const upload = async (body: Uint8Array<ArrayBuffer>, as: string) =>
    (await client.call('POST /files', { query: { name: as, projectId }, body, contentType: 'image/jpeg' })).file.id
  const fileId = await upload(new Uint8Array(bytes), name)
  const broken = await upload(new Uint8Array(bytes.subarray(0, 4_000)), 'torn.jpg')

  const readings = new Blob(['station,celsius\n3,18.5\n9,17.2\n'])
  await client.call('POST /files', { query: { name: 'readings.csv' }, body: readings, contentType: 'text/csv' })

  const many = Array.from({ length: 120 }, (_, nth) => ({
    kind: 'math.binomial',
    input: { n: 40 + nth, k: nth },
    projectId,
    tags: ['nightly'],
  }))
  await client.call('POST /jobs/batch', { body: { jobs: many } })

  const sizes = [
    { width: 1_200, height: 800 },
    { width: 400, height: 400, format: 'png' },
    { width: 640, format: 'webp', quality: 70 },
  ]
  const picture = await submit(
    'image.resize',
    { fileId, sizes },
    { name: 'Pictures for the front page', tags: ['web'] },
  )
  const pi = await submit('math.pi', { digits: 40_000 }, { name: 'π by Leibniz’s series', tags: ['constants'] })
  await submit(
    'math.pi',
    { digits: 20_000, method: 'chudnovsky' },
    { name: 'π by Chudnovsky’s series', tags: ['constants'] },
  )
  await submit(
    'serials.generate',
    { deviceModelCode: '0111', start: 1, count: 20_000 },
    { name: 'Thermometers of this week' },
  )
  const table = await submit('math.binomial-expansion', { n: 24 }, { name: 'The 24th power' })

  const failed = await submit(
    'image.resize',
    { fileId: broken, sizes },
    { name: 'Pictures of station 12', tags: ['web'] },
  )
  for (const deviceModelCode of ['0222', '0333', '0444', '0555']) {
    await submit('serials.generate', { deviceModelCode, start: 1, count: 100 }, { tags: ['factory-2'] })
  }
  await submit('debug.noop', { steps: 100, stepMs: 400 }, { name: 'Poll station 7', timeoutSeconds: 3, maxAttempts: 1 })

  const graph = await chain(client, projectId)
  await submit('debug.noop', { steps: 600, stepMs: 1_000 }, { name: 'Watch station 3', tags: ['stations'] })
  await submit('debug.noop', { steps: 900, stepMs: 700 }, { name: 'Watch station 9', tags: ['stations'] })
  await submit('math.pi', { digits: 400 }, { name: 'π tomorrow', delaySeconds: 40_000 })
  const cancelled = await submit(
    'debug.noop',
    { steps: 50, stepMs: 500 },
    { name: 'Watch station 5', delaySeconds: 300 },
  )
  await client.call('POST /jobs/{jobId}/cancel', { params: { jobId: cancelled } })
  await addSchedules(client, projectId)
  return { client, email, projectId, jobs: { pi, picture, table, graph, failed } }
}

/** Readings are fetched, cleaned in parts, put together and reported. @returns the job in the middle */
const chain = async (client: Client<Api>, projectId: string): Promise<string> => {
  const slow = (name: string, after: string[] = [], steps = 200) => ({
    kind: 'debug.noop',
    input: { steps, stepMs: 300 },
    projectId,
    name,
    ...(after.length > 0 && { after }),
  })
  const jobs = [
    { ...slow('Fetch readings'), input: { steps: 1 } },
    slow('Clean north', ['$Fetch readings']),
    slow('Clean south', ['$Fetch readings'], 300),
    slow('Put together', ['$Clean north', '$Clean south']),
    slow('Report', ['$Put together']),
    slow('Archive', ['$Put together']),
  ]
  const { ids } = await client.call('POST /jobs/batch', { body: { jobs } })
  return ids[3] ?? ''
}

const addSchedules = async (client: Client<Api>, projectId: string): Promise<void> => {
  const add = (name: string, cron: string, kind: string, input: object, over: object = {}) =>
    client.call('POST /schedules', { body: { name, cron, kind, input, projectId, timeZone: 'Europe/Berlin', ...over } })
  await add('Watch all stations', '*/5 * * * *', 'debug.noop', { steps: 10, stepMs: 200 }, { expiresInSeconds: 300 })
  await add('A hundred digits each night', '30 2 * * *', 'math.pi', { digits: 100 })
  await add(
    'Serial numbers for Mondays',
    '0 6 * * 1',
    'serials.generate',
    { deviceModelCode: '0111', start: 50_000, count: 500 },
    { paused: true },
  )
}
