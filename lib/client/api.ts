import type { z } from 'zod'
import type { RawBody, Signature } from '../http/declaration.ts'
import type { Resource } from '../http/resource.ts'

/** Routes by method and path: `Api['GET /jobs']`. */
export type AnyApi = Record<string, Signature>

/** The routes of some resources, from their declarations and from nothing else. */
export type ApiOf<R extends Resource> = {
  [S in NonNullable<R['routes'][number]['signature']> as `${S['method']} ${S['path']}`]: S
}

/** What a call gives: what the declaration asks for, and what any request may have. */
export type CallOf<S extends Signature> = Params<S['params']> & Query<S['query']> & Body<S['body']> & CallOptions

export interface CallOptions {
  signal?: AbortSignal | undefined
  /** A repeat with the same key within 24 h gives the same job. */
  idempotencyKey?: string | undefined
  /** How long the answer may wait for the job's end (`Prefer: wait`). */
  waitSeconds?: number | undefined
}

/** Bytes that can be sent again when the access token had expired. `openAsBlob` of node:fs makes a file one. */
export type Bytes = Blob | Uint8Array<ArrayBuffer> | string

/** An answer that isn't a problem, by its status. A document that isn't JSON has no `body` here. */
export type AnswerOf<S extends Signature> = {
  [Status in Success & keyof S['replies']]: { status: Status; headers: Headers; body: Json<S['replies'][Status]> }
}[Success & keyof S['replies']]

/** Items of a list that comes in pages. */
export type ItemOf<S extends Signature> =
  AnswerOf<S> extends { body: { items: (infer Item)[]; nextCursor: string | null } } ? Item : never

type Success = 200 | 201 | 202 | 204
type Params<P> = undefined extends P ? object : { params: z.input<P> }
type Query<Q> = undefined extends Q ? object : object extends Given<Q> ? { query?: Given<Q> } : { query: Given<Q> }
type Body<B> = undefined extends B
  ? object
  : B extends RawBody
    ? { body: Bytes; contentType: string }
    : { body: z.input<B> }
type Json<R> = R extends z.ZodType ? z.input<R> : undefined

/** Where a schema takes anything, as `z.coerce` does, what it makes of it. */
type Given<T> = {
  [K in keyof z.input<T>]: unknown extends z.input<T>[K] ? z.output<T>[K & keyof z.output<T>] : z.input<T>[K]
}
