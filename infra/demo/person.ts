import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'

export interface Job {
  id: string
  kind: string
  state: 'blocked' | 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled'
  progress: number
  attempt: number
  stint: number
  queuedAt: string
  finishedAt: string | null
  error: { code: string; message: string } | null
}

interface JobWithData<Result = unknown> extends Job {
  partial: unknown
  result: Result
}

interface StintOfJob {
  stint: number
  attempt: number
  /** The process that ran it; begins with its name in run.json. */
  worker: string | null
  runMs: number | null
  outcome: string | null
}

interface Page<T> {
  items: T[]
  nextCursor: string | null
}

/** Somebody who uses the API: over HTTP, like everybody else. */
export interface Person {
  email: string
  /** @returns the file's id */
  upload(name: string, contentType: string, bytes: Buffer): Promise<string>
  /** @returns the model's id */
  addDeviceModel(code: string, name: string): Promise<string>
  submit(submission: { kind: string; input: object; maxAttempts: number }): Promise<Job>
  jobs(): Promise<Job[]>
  job<Result>(id: string): Promise<JobWithData<Result>>
  stints(id: string): Promise<StintOfJob[]>
  lastEvent(id: string): Promise<number>
  serials(modelId: string): Promise<{ number: number; serial: string }[]>
  /** Follows the API's redirect to S3, and stores what it leads to. */
  download(fileId: string, path: string): Promise<void>
}

class ApiError extends Error {
  override readonly name = 'ApiError'
}

export const register = async (url: string, signal: AbortSignal): Promise<Person> => {
  const email = `ada-${randomBytes(3).toString('hex')}@example.com`
  let token = ''

  const ask = async (
    method: string,
    path: string,
    body?: string | Uint8Array<ArrayBuffer>,
    contentType = 'application/json',
  ) => {
    const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(body && { 'content-type': contentType }) }
    const answer = await fetch(`${url}${path}`, { method, headers, signal, ...(body && { body }) })
    if (answer.ok) return answer
    throw new ApiError(`${method} ${path} was answered with ${answer.status}: ${await answer.text()}`)
  }
  const get = async <T>(path: string): Promise<T> => (await (await ask('GET', path)).json()) as T
  const post = async <T>(path: string, body: unknown): Promise<T> =>
    (await (await ask('POST', path, JSON.stringify(body))).json()) as T
  const getAll = async <T>(path: string): Promise<T[]> => {
    const items: T[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: Page<T> = await get(`${path}?limit=100${cursor && `&cursor=${cursor}`}`)
      items.push(...page.items)
      cursor = page.nextCursor
    }
    return items
  }

  const password = randomBytes(12).toString('base64url')
  token = (await post<{ accessToken: string }>('/auth/register', { email, password, name: 'Ada' })).accessToken
  return {
    email,
    upload: async (name, contentType, bytes) => {
      const path = `/files?name=${encodeURIComponent(name)}`
      const answer = await ask('POST', path, new Uint8Array(bytes), contentType)
      return ((await answer.json()) as { file: { id: string } }).file.id
    },
    addDeviceModel: async (code, name) =>
      (await post<{ deviceModel: { id: string } }>('/device-models', { code, name })).deviceModel.id,
    submit: async (submission) => (await post<{ job: Job }>('/jobs', submission)).job,
    jobs: async () => (await get<Page<Job>>('/jobs?limit=100')).items,
    job: async <R>(id: string) => (await get<{ job: JobWithData<R> }>(`/jobs/${id}`)).job,
    stints: (id) => getAll(`/jobs/${id}/stints`),
    lastEvent: async (id) => (await getAll<{ seq: number }>(`/jobs/${id}/events`)).at(-1)?.seq ?? 0,
    serials: (modelId) => getAll(`/device-models/${modelId}/serial-numbers`),
    download: async (fileId, path) => {
      const answer = await ask('GET', `/files/${fileId}`)
      await writeFile(path, await answer.bytes())
    },
  }
}
