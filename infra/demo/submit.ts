import type { Person } from './person.ts'
import type { Picture } from './picture.ts'
import type { Story } from './story.ts'

export const DIGITS = 100_000
export const SERIALS = 10_000
const DEVICE_MODEL = '0111'
/** On a machine that is busy with other things, a function's short time can be over before a job's first safe point. */
const MAX_ATTEMPTS = 10

/** The id of each thing. */
export interface Ids {
  leibniz: string
  chudnovsky: string
  serials: string
  pictures: string
  deviceModel: string
}

export interface Submitted {
  ids: Ids
  /** The names of the jobs, by id. */
  jobs: ReadonlyMap<string, string>
}

/** Uploads what the jobs need, and submits them. */
export const submitWork = async ({ email, client }: Person, picture: Picture, story: Story): Promise<Submitted> => {
  const jobs = new Map<string, string>()
  const submit = async (name: string, kind: string, what: string, input: object): Promise<string> => {
    const { id } = (await client.call('POST /jobs', { body: { kind, input, maxAttempts: MAX_ATTEMPTS } })).job
    story.tell('POST', '/jobs', `${kind.padEnd(16)} ${what}`)
    story.name(id, name)
    jobs.set(id, name)
    return id
  }

  story.tell('POST', '/auth/register', email)
  const { name, width, height, bytes } = picture
  const sent = { query: { name }, contentType: 'image/jpeg', body: new Uint8Array(bytes) }
  const fileId = (await client.call('POST /files', sent)).file.id
  const size = `${width} × ${height} pixels, ${(bytes.length / 1e6).toFixed(1)} MB`
  story.tell('POST', '/files', `${name}, ${size}`)
  const model = { code: DEVICE_MODEL, name: 'Thermometer' }
  const { deviceModel } = await client.call('POST /device-models', { body: model })
  story.tell('POST', '/device-models', `${DEVICE_MODEL}, Thermometer`)

  const digits = `${grouped(DIGITS)} digits`
  const pi = (name: string, method: string) =>
    submit(`π by ${name}`, 'math.pi', `${digits}, by ${name}`, { digits: DIGITS, method })
  const leibniz = await pi('Leibniz', 'leibniz')
  const chudnovsky = await pi('Chudnovsky', 'chudnovsky')
  const range = { deviceModelCode: DEVICE_MODEL, start: 1, count: SERIALS }
  const serials = await submit('serial numbers', 'serials.generate', `${grouped(SERIALS)} for ${DEVICE_MODEL}`, range)
  const sizes = [
    { width: 200, height: 200, format: 'png' },
    { width: 800, height: 800, format: 'webp' },
    { width: 1_920, quality: 90 },
  ]
  const pictures = await submit('three pictures', 'image.resize', `${name} in three sizes`, { fileId, sizes })
  return { ids: { leibniz, chudnovsky, serials, pictures, deviceModel: deviceModel.id }, jobs }
}

export const grouped = (n: number): string => String(n).replaceAll(/\B(?=(\d{3})+$)/g, ' ')
