import type { App } from '../../../lib/app.ts'
import { StintError } from '../../../lib/core/errors.ts'
import type { InvocationContext } from '../../../lib/invocation-context.ts'

export interface InvocationOptions {
  functionName: string
  requestId: string
  timeoutMs: number
}

/** The context that Lambda gives to a function, with the process's app in it. */
export const createContext = (
  app: App,
  { functionName, requestId, timeoutMs }: InvocationOptions,
): InvocationContext => {
  const deadline = performance.now() + timeoutMs
  return {
    app,
    awsRequestId: requestId,
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:${app.config.region}:000000000000:function:${functionName}`,
    memoryLimitInMB: '1024',
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: app.instance,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadline - performance.now()),
    done: () => {},
    fail: () => {},
    succeed: () => {},
  }
}

/**
 * Does what the gateway does if a function takes too long: answers without it.
 * @throws {StintError} UNAVAILABLE
 */
export const withinTime = <T>(work: Promise<T>, timeoutMs: number): Promise<T> =>
  new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new StintError('UNAVAILABLE', `The function gave no answer in ${timeoutMs / 1_000} s.`)),
      timeoutMs,
    )
    work.then(resolve, reject).finally(() => clearTimeout(timer))
  })
