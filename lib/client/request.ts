import type { Bytes, CallOptions } from './api.ts'
import type { ProblemError } from './problem-error.ts'

/** A call without the types of its route. */
export interface LooseCall extends CallOptions {
  params?: Record<string, string>
  query?: Record<string, unknown>
  body?: unknown
  /** With it the body goes as it is, and without it as JSON. */
  contentType?: string
}

interface Surroundings {
  baseUrl: string
  token: string | undefined
  headers?: Record<string, string> | undefined
}

/** `POST /jobs/{jobId}/cancel` with its parameters, query, headers and body, as fetch takes it. */
export const toRequest = (
  route: string,
  { params = {}, query = {}, body, contentType, signal, idempotencyKey, waitSeconds }: LooseCall,
  { baseUrl, token, headers }: Surroundings,
): { url: string; init: RequestInit } => {
  const space = route.indexOf(' ')
  const path = route
    .slice(space + 1)
    .replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(params[name] ?? ''))
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) search.set(name, String(value))
  }
  return {
    url: `${baseUrl}${path}${search.size > 0 ? `?${search}` : ''}`,
    init: {
      method: route.slice(0, space),
      headers: {
        ...headers,
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': contentType ?? 'application/json' }),
        ...(idempotencyKey && { 'idempotency-key': idempotencyKey }),
        ...(waitSeconds !== undefined && { prefer: `wait=${waitSeconds}` }),
      },
      ...(body !== undefined && { body: contentType ? (body as Bytes) : JSON.stringify(body) }),
      signal: signal ?? null,
    },
  }
}

/** Whether another access token may help: a wrong password is a 401 too, and is none of its business. */
export const isSpent = ({ status, code }: ProblemError): boolean => status === 401 && code === 'UNAUTHENTICATED'

/** Runs it once at a time: whoever asks meanwhile gets what comes of it. */
export const once = <A, T>(run: (argument: A) => Promise<T>): ((argument: A) => Promise<T>) => {
  let running: Promise<T> | undefined
  return (argument) => {
    running ??= run(argument).finally(() => {
      running = undefined
    })
    return running
  }
}
