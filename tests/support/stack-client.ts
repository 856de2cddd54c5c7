import { randomBytes } from 'node:crypto'
import type { Parsed } from './http-client.ts'

/** Somebody who uses a running stack over HTTP, with a project of their own. */
export interface Person {
  submit(kind: string, input: unknown): Promise<string>
  /** The job's id, or undefined when nobody said that it was accepted. */
  trySubmit(kind: string, input: unknown): Promise<string | undefined>
  /** The job; a part that is just away is waited for. */
  job(id: string): Promise<Parsed>
  stintsOf(id: string): Promise<Parsed[]>
  /** The number of the job's latest event. */
  lastEvent(id: string): Promise<number>
  addDeviceModel(code: string): Promise<void>
  /** The stack has another address now. */
  moveTo(url: string): void
}

const PATIENCE_MS = 300_000

export const person = async (stackUrl: string): Promise<Person> => {
  let url = stackUrl
  const email = `ada-${randomBytes(6).toString('hex')}@example.com`
  const account = { email, password: randomBytes(12).toString('base64url'), name: 'Ada' }

  const ask = async (method: string, path: string, token?: string, body?: unknown) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: (text ? JSON.parse(text) : undefined) as Parsed }
  }

  const registered = await ask('POST', '/auth/register', undefined, account)
  if (registered.status !== 201) throw new Error(`could not register: ${JSON.stringify(registered.body)}`)
  const token: string = registered.body.accessToken

  /** A GET that is tried until it isn't refused for want of a component. */
  const patientGet = async (path: string): Promise<Parsed> => {
    for (const deadline = Date.now() + PATIENCE_MS; ; ) {
      const answer = await ask('GET', path, token).catch(() => undefined)
      if (answer?.status === 200) return answer.body
      if (answer && answer.status < 500) throw new Error(`GET ${path}: ${JSON.stringify(answer.body)}`)
      if (Date.now() > deadline) throw new Error(`GET ${path} found nobody for ${PATIENCE_MS} ms`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  const listAll = async (path: string): Promise<Parsed[]> => {
    const items: Parsed[] = []
    let cursor: string | null = null
    do {
      const page: Parsed = await patientGet(`${path}?limit=100${cursor ? `&cursor=${cursor}` : ''}`)
      items.push(...page.items)
      cursor = page.nextCursor
    } while (cursor)
    return items
  }

  const submit = async (kind: string, input: unknown) => {
    const { status, body } = await ask('POST', '/jobs', token, { kind, input })
    if (status !== 202) throw new Error(`the job was refused: ${JSON.stringify(body)}`)
    return body.job.id as string
  }

  return {
    submit,
    trySubmit: (kind, input) => submit(kind, input).catch(() => undefined),
    job: async (id) => (await patientGet(`/jobs/${id}`)).job,
    stintsOf: (id) => listAll(`/jobs/${id}/stints`),
    lastEvent: async (id) => (await listAll(`/jobs/${id}/events`)).at(-1).seq,
    addDeviceModel: async (code) => {
      const { status, body } = await ask('POST', '/device-models', token, { code, name: 'A model' })
      if (status !== 201) throw new Error(`the model was refused: ${JSON.stringify(body)}`)
    },
    moveTo: (other) => {
      url = other
    },
  }
}
