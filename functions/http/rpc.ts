import { resource } from '../../lib/http/resource.ts'
import { plain, route } from '../../lib/http/route.ts'
import { answerCall, asException } from '../rpc/answer.ts'

const THRIFT = 'application/x-thrift'
const headers = { 'content-type': THRIFT, 'cache-control': 'no-store' }

/** The input of a job has 256 KiB at most. */
const MAX_MESSAGE_BYTES = 1024 * 1024

const call = route({
  method: 'POST',
  path: '/rpc',
  summary: 'Jobs, for Thrift clients',
  description:
    'The service of `infra/thrift/stint.thrift`, in TBinaryProtocol or TJSONProtocol. Refusals are the exception `Problem`, ' +
    'with the codes of this API and the HTTP status 200. A body that is not a method call, and any failure on our side, is a ' +
    'problem document with its own status. `submitJob` and `cancelJob` need the scope `jobs:write`.',
  actor: 'user',
  scope: 'jobs:read',
  body: {
    raw: {
      contentTypes: [THRIFT, 'application/vnd.apache.thrift.binary', 'application/vnd.apache.thrift.json'],
      maxBytes: MAX_MESSAGE_BYTES,
    },
  },
  replies: { 200: plain('The reply, in the protocol of the call.', THRIFT) },
  errors: ['MALFORMED_RPC'],
  tellProblem: (problem, bytes) => {
    const body = asException(problem, bytes)
    return body && { headers, body }
  },
  run: async ({ app, actor, body, trace }) => ({
    status: 200,
    headers,
    body: await answerCall(app, actor, body.bytes, trace),
  }),
})

export const handler = resource([call])
