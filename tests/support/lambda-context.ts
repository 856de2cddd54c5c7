import type { App } from '../../lib/app.ts'
import { newId } from '../../lib/core/ids.ts'
import type { InvocationContext } from '../../lib/invocation-context.ts'

/** Lambda's context for one invocation of a function that may run `functionSeconds`, with the test's app in it. */
export const lambdaContext = (app: App, functionSeconds: number): InvocationContext => {
  const endsAt = performance.now() + functionSeconds * 1_000
  const awsRequestId = newId()
  return {
    app,
    awsRequestId,
    functionName: 'stint-test',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:eu-central-1:000000000000:function:stint-test',
    memoryLimitInMB: '1024',
    logGroupName: '/aws/lambda/stint-test',
    logStreamName: awsRequestId,
    callbackWaitsForEmptyEventLoop: false,
    getRemainingTimeInMillis: () => Math.max(0, Math.round(endsAt - performance.now())),
    done: () => {},
    fail: () => {},
    succeed: () => {},
  }
}
