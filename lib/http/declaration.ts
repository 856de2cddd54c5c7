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

/** A body taken as it comes, of one of some content types (`image/*` counts for all images). */
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
export type Reply<Replies> = {
  [Status in keyof Replies]: { status: Status; headers?: Record<string, string> } & BodyOf<Replies[Status]>
}[keyof Replies]

export interface RouteRequest<P, Q, B, A> {
  app: App
  /** Who asks. `undefined` only on routes for anyone. */
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
  /** The trace of what the request makes; undefined: it is of none. */
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
  /** Who may call it. What a user may see is checked by the `run`, against the project's members. */
  actor: A
  /** What an API key needs to call it; without one, no key will do. */
  scope?: Scope
  params?: P
  query?: Q
  body?: B
  /** The headers that it looks at, beyond those of every request. */
  takes?: readonly TakenHeader[]
  replies: R
  /** The headers that its replies may carry, beyond those of every answer. */
  gives?: readonly GivenHeader[]
  /** The errors this route can give beyond those that its declaration implies. */
  errors?: readonly ErrorCode[]
  /** Tells who asked what was refused in a protocol of the route's own; undefined: by a problem document. */
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

/** A declaration's types alone: what callers need of it, and never there while it runs. */
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
