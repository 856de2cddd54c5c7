import type { Context } from 'aws-lambda'
import type { App } from './app.ts'
import type { TraceContext } from './tracing/trace-context.ts'

/** Lambda's context; the local host and the tests put their app in it. */
export type InvocationContext = Context & { app?: App; trace?: TraceContext | undefined }
