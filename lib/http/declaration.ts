import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import type { z } from 'zod'
import type { App } from '../app.ts'
import type { Actor } from '../auth/actor.ts'
import type { Scope } from '../auth/scopes.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { InvocationContext } from '../invocation-context.ts'
import type { TraceContext } from '../tracing/trace-context.ts'
import type { GivenHeader, TakenHeader } from './headers.ts'
import type { Problem } from './problem.ts'

/** A body that isn't parsed, of one of these content types (`image/*` stands for all images). */
export interface RawBody {
  raw: { contentTypes: string[]; maxBytes: number }
}

/** A reply without JSON: nothing at all, or a document of another type. */
export interface PlainReply {
  plain: { description: string; contentType?: string }
}

type Output<S> = S extends z.ZodType
  ? z.output<S>
  : S extends RawBody
    ? { bytes: Buffer; contentType: string }
    : undefined
type BodyOf<S> = S extends z.ZodType ? { body: z.input<S> } : { body?: string | Buffer }

/** What a `run` gives back: one of the declared statuses, with the body declared for it. */
type Reply<Replies> = {
  [Status in keyof Replies]: { status: Status; headers?: Record<string, string> } & BodyOf<Replies[Status]>
}[keyof Replies]

interface RouteRequest<P, Q, B, A> {
  app: App
  /** Who makes the request. `undefined` only on routes for anyone. */
  actor: A extends 'user' ? Actor : Actor | undefined
  params: Output<P>
  query: Output<Q>
  body: Output<B>
  headers: Record<string, string | undefined>
  /** `name=value`, as they came. */
  cookies: readonly string[]
  /** The caller's address, as the gateway saw it. */
  ip: string
  requestId: string
  /** The trace that the request belongs to; undefined if it has none. */
  trace: TraceContext | undefined
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
export type Path = `/${string}`

export interface Declaration<
  P,
  Q,
  B,
  R,
  A extends 'anyone' | 'user' = 'anyone' | 'user',
  M extends Method = Method,
  At extends Path = Path,
> {
  method: M
  path: At
  /** One line for the API's documentation. */
  summary: string
  description?: string
  /** Who may call it. Whether a user may see a project is checked by `run`. */
  actor: A
  /** The scope that an API key needs to call it; without one, API keys can't. */
  scope?: Scope
  params?: P
  query?: Q
  body?: B
  /** The headers that it reads, besides those of every request. */
  takes?: readonly TakenHeader[]
  replies: R
  /** The headers that its replies may have, besides those of every answer. */
  gives?: readonly GivenHeader[]
  /** The errors that it can give, besides those that its declaration implies. */
  errors?: readonly ErrorCode[]
  /** Makes an error answer in a protocol of the route's own. Without it, or when it gives undefined, it is a problem document. */
  tellProblem?: (problem: Problem, body: Buffer) => { headers: Record<string, string>; body: Buffer } | undefined
  run: (request: RouteRequest<P, Q, B, A>) => Promise<Reply<R>>
}

export type AnyDeclaration = Declaration<
  z.ZodObject | undefined,
  z.ZodObject | undefined,
  z.ZodType | RawBody | undefined,
  Record<number, z.ZodType | PlainReply>
>

export type HttpHandler = (
  event: APIGatewayProxyEventV2,
  context: InvocationContext,
) => Promise<APIGatewayProxyStructuredResultV2>

/** The types of a declaration, for typed clients. It has no value at run time. */
export interface Signature {
  method: Method
  path: Path
  params: z.ZodObject | undefined
  query: z.ZodObject | undefined
  body: z.ZodType | RawBody | undefined
  replies: Record<number, z.ZodType | PlainReply>
}

export type Route<S extends Signature = Signature> = HttpHandler & {
  declaration: AnyDeclaration
  readonly signature?: S
}
