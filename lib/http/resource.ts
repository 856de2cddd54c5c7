import httpRouterHandler from '@middy/http-router'
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import { StintError } from '../core/errors.ts'
import type { InvocationContext } from '../invocation-context.ts'
import type { HttpHandler, Method, Route } from './declaration.ts'
import { toProblem } from './problem.ts'

export type Resource<R extends Route = Route> = HttpHandler & { routes: R[] }

/** The methods of a route. HEAD is GET, whose body the gateway leaves out (RFC 9110, 9.3.2). */
export const methodsOf = ({ declaration: { method } }: Route): (Method | 'HEAD')[] =>
  method === 'GET' ? ['GET', 'HEAD'] : [method]

/** One resource's routes as one Lambda function, picked by method and path. */
export const resource = <R extends Route>(routes: R[]): Resource<R> => {
  const pick = httpRouterHandler({
    routes: routes.flatMap((route) =>
      methodsOf(route).map((method) => ({ method, path: route.declaration.path, handler: route as never })),
    ),
    notFoundResponse: () => undefined as never,
  })
  const handler = async (
    event: APIGatewayProxyEventV2,
    context: InvocationContext,
  ): Promise<APIGatewayProxyStructuredResultV2> =>
    ((await pick(event as never, context as never, {} as never)) as APIGatewayProxyStructuredResultV2 | undefined) ??
    toProblem(new StintError('NOT_FOUND'), event.requestContext.requestId, context.app?.log)
  return Object.assign(handler, { routes })
}
