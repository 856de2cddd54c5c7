import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom, type Random } from '../../infra/local/chaos/random.ts'
import { type Client, connect, type Reply } from './client.ts'
import { createPlanner, type Means, type Unit } from './plan.ts'

/** What one person has submitted so far. */
export interface Submitter {
  /** Ids of jobs that were answered with 202. */
  accepted: string[]
  /** Jobs of requests that nobody answered: they may be there or not, and must end well if they are. */
  unanswered: number
  /** Submits about this many jobs over this many seconds, and cancels those that are to be cancelled. */
  submit(jobs: number, seconds: number): Promise<void>
}

/** Requests of one person at once. */
const AT_ONCE = 4

export const createSubmitter = async (
  url: string,
  seed: number,
  nth: number,
  picture: Uint8Array<ArrayBuffer>,
): Promise<Submitter> => {
  const random = createRandom(seed, `person ${nth}`)
  const client = await connect(url, `person-${nth}`)
  const next = createPlanner(random, await prepareMeans(client, nth, picture))
  const open: Promise<unknown>[] = []

  const submitter: Submitter = {
    accepted: [],
    unanswered: 0,
    submit: async (jobs, seconds) => {
      const began = performance.now()
      let planned = 0
      const line = async (): Promise<void> => {
        while (planned < jobs) {
          const unit = next()
          planned += unit.jobs.length
          await send(unit, createRandom(seed, `unit ${unit.jobs[0]?.name}`))
          await sleep(Math.max(0, (planned / jobs) * seconds * 1_000 - (performance.now() - began)))
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, line))
      await Promise.all(open)
    },
  }

  const send = async (unit: Unit, own: Random): Promise<void> => {
    // Most people repeat what wasn't answered, under a key; some don't, and never know.
    if (own() < 0.15) return take(unit, await client.once('POST', ...requestOf(unit)))
    const idempotencyKey = unit.jobs[0]?.name ?? ''
    const [path, request] = requestOf(unit)
    const reply = await client.patiently('POST', path, { ...request, idempotencyKey })
    take(unit, reply)
    if (own() < 0.1) await demandSameAnswer(client, path, { ...request, idempotencyKey }, reply)
  }

  const take = (unit: Unit, reply: Reply | undefined): void => {
    if (!reply || reply.status >= 500) {
      submitter.unanswered += unit.jobs.length
      return
    }
    const ids = idsOf(reply)
    submitter.accepted.push(...ids)
    const [id] = ids
    if (unit.cancelAfterMs !== undefined && id) open.push(cancelLater(client, id, unit.cancelAfterMs))
    if (unit.forgottenModel !== undefined && id) open.push(retryWithModel(client, id, unit.forgottenModel))
  }

  return submitter
}

const requestOf = ({ jobs }: Unit): [string, { body: unknown }] =>
  jobs.length === 1 ? ['/jobs', { body: jobs[0] }] : ['/jobs/batch', { body: { jobs } }]

const idsOf = ({ status, body }: Reply): string[] => {
  if (status !== 202) throw new Error(`a submission was refused: ${JSON.stringify(body)}`)
  return body.ids ?? [body.job.id]
}

const demandSameAnswer = async (
  client: Client,
  path: string,
  request: { body: unknown; idempotencyKey: string },
  first: Reply,
): Promise<void> => {
  const again = await client.patiently('POST', path, request)
  if (String(idsOf(again)) !== String(idsOf(first))) throw new Error(`${request.idempotencyKey} made other jobs`)
}

const cancelLater = async (client: Client, id: string, ms: number): Promise<void> => {
  await sleep(ms)
  const { status, body } = await client.patiently('POST', `/jobs/${id}/cancel`)
  // 409: it has ended, or an answer was lost and the cancel repeated.
  if (![200, 202, 409].includes(status)) throw new Error(`a cancel was refused: ${JSON.stringify(body)}`)
}

const retryWithModel = async (client: Client, id: string, code: string): Promise<void> => {
  for (let state = ''; state !== 'failed'; await sleep(200)) {
    state = (await client.patiently('GET', `/jobs/${id}`)).body.job.state
  }
  await client.patiently('POST', '/device-models', { body: { code, name: 'A forgotten model' } })
  const { status, body } = await client.patiently('POST', `/jobs/${id}/retry`, { body: {} })
  // 409: an answer was lost and the retry repeated.
  if (![202, 409].includes(status)) throw new Error(`a retry was refused: ${JSON.stringify(body)}`)
}

const prepareMeans = async (client: Client, nth: number, picture: Uint8Array<ArrayBuffer>): Promise<Means> => {
  const deviceModelCode = `M${nth}`
  await client.patiently('POST', '/device-models', { body: { code: deviceModelCode, name: 'A model' } })
  const bytes = { contentType: 'image/png', content: picture }
  const { body } = await client.patiently('POST', '/files?name=picture.png', { bytes })
  return { deviceModelCode, fileId: body.file.id }
}
