import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda'
import { type App, appOfProcess } from '../app.ts'
import type { InvocationContext } from '../invocation-context.ts'

export type BatchHandler = (event: SQSEvent, context: InvocationContext) => Promise<SQSBatchResponse>

export interface BatchRequest {
  app: App
  records: SQSRecord[]
  /** The function's time that is left, in milliseconds. */
  remainingMs: () => number
}

/**
 * Wraps an SQS-triggered function. `run` returns the ids of the messages that SQS should deliver again; when it throws,
 * SQS delivers all of them again (AWS: "Implementing partial batch responses").
 */
export const batch = (run: (request: BatchRequest) => Promise<string[]>): BatchHandler => {
  return async (event, context) => {
    const app = context.app ?? (await appOfProcess())
    const failed = await run({ app, records: event.Records, remainingMs: () => context.getRemainingTimeInMillis() })
    // Lambda freezes the process after the answer; where the app was given, the process goes on.
    if (!context.app) await app.metrics.flush()
    return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) }
  }
}
