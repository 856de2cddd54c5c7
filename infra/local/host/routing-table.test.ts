import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../../../tests/support/temporary-folder.ts'
import { readRoutingTable } from './routing-table.ts'

const PROVIDER = `
provider:
  region: \${opt:region, 'eu-central-1'}
  httpApi:
    cors:
      allowedOrigins: ['*']
      allowedHeaders: [authorization]
      allowedMethods: [GET]
      exposedResponseHeaders: [etag]
      maxAge: 60
`

const read = (functions: string, provider = PROVIDER) => {
  const folder = temporaryFolder()
  const path = join(folder, 'serverless.yml')
  writeFileSync(path, `${provider}functions:\n${functions}`)
  return readRoutingTable(path)
}

test('reads every trigger, with its function, and leaves variables alone', () => {
  const table = read(`
  things:
    image: { name: stint, command: [functions/http/things.handler] }
    role: \${self:custom.role}
    timeout: 15
    events:
      - httpApi: GET /things/{thingId}
      - httpApi: { method: POST, path: /things }
  worker:
    image: { name: stint, command: [functions/queue/worker.work] }
    timeout: 900
    events:
      - sqs:
          arn: { Fn::GetAtt: [ComputeQueue, Arn] }
          batchSize: 1
          maximumBatchingWindow: 0
          maximumConcurrency: 20
          functionResponseType: ReportBatchItemFailures
  dead-letter:
    image: { name: stint, command: [functions/queue/dead-letter.handler] }
    timeout: 30
    events:
      - sqs:
          arn: { Fn::GetAtt: [ComputeDeadLetters, Arn] }
          batchSize: 10
          maximumBatchingWindow: 5
          maximumConcurrency: 2
          functionResponseType: ReportBatchItemFailures
  sweep:
    image: { name: stint, command: [functions/schedule/sweep.handler] }
    timeout: 65
    events:
      - schedule: rate(1 minute)
      - schedule: { rate: ['cron(0 0 * * ? *)'], enabled: false }
  talk:
    image: { name: stint, command: [functions/websocket/talk.handler] }
    timeout: 15
    events:
      - websocket: $connect
      - websocket: { route: $default, routeResponseSelectionExpression: $default }
  listen:
    image: { name: stint, command: [functions/kafka/listen.handler] }
    timeout: 60
    events:
      - kafka: { topic: t, consumerGroupId: listeners, batchSize: 9, bootstrapServers: ['\${param:brokers}'] }
  prepare:
    image: { name: stint, command: [functions/operations/prepare.handler] }
    timeout: 900
`)
  const things = {
    functionName: 'things',
    handlerFile: 'functions/http/things.ts',
    exportName: 'handler',
    timeoutSeconds: 15,
  }
  const sweep = {
    functionName: 'sweep',
    handlerFile: 'functions/schedule/sweep.ts',
    exportName: 'handler',
    timeoutSeconds: 65,
  }
  const talk = {
    functionName: 'talk',
    handlerFile: 'functions/websocket/talk.ts',
    exportName: 'handler',
    timeoutSeconds: 15,
  }
  expect(table).toEqual({
    http: [
      { ...things, method: 'GET', path: '/things/{thingId}' },
      { ...things, method: 'POST', path: '/things' },
    ],
    queues: [
      {
        functionName: 'worker',
        handlerFile: 'functions/queue/worker.ts',
        exportName: 'work',
        timeoutSeconds: 900,
        queue: 'compute',
        batchSize: 1,
        batchingWindowSeconds: 0,
        maximumConcurrency: 20,
      },
    ],
    deadLetters: [
      {
        functionName: 'dead-letter',
        handlerFile: 'functions/queue/dead-letter.ts',
        exportName: 'handler',
        timeoutSeconds: 30,
        queue: 'compute',
        batchSize: 10,
        batchingWindowSeconds: 5,
        maximumConcurrency: 2,
      },
    ],
    schedules: [
      { ...sweep, rate: 'rate(1 minute)' },
      { ...sweep, rate: 'cron(0 0 * * ? *)' },
    ],
    sockets: [
      { ...talk, route: '$connect' },
      { ...talk, route: '$default' },
    ],
    streams: [
      {
        functionName: 'listen',
        handlerFile: 'functions/kafka/listen.ts',
        exportName: 'handler',
        timeoutSeconds: 60,
        batchSize: 9,
        consumerGroupId: 'listeners',
      },
    ],
    operations: [
      {
        functionName: 'prepare',
        handlerFile: 'functions/operations/prepare.ts',
        exportName: 'handler',
        timeoutSeconds: 900,
      },
    ],
    cors: {
      allowedOrigins: ['*'],
      allowedHeaders: ['authorization'],
      allowedMethods: ['GET'],
      exposedResponseHeaders: ['etag'],
      maxAgeSeconds: 60,
    },
  })
})

const withEvent = (event: string, command = 'functions/http/things.handler', timeout: string | number = 15) => `
  things:
    image: { name: stint, command: [${command}] }
    timeout: ${timeout}
    events:
      - ${event}
`

test.for<[string, string]>([
  [withEvent('httpApi: GET'), 'functions.things.events.0.httpApi.path: expected "METHOD /path"'],
  [withEvent('httpApi: FETCH /things'), 'functions.things.events.0.httpApi.method'],
  [withEvent('alexaSkill: x'), 'functions.things.events.0: Unrecognized key: "alexaSkill"'],
  [withEvent('websocket: $other'), 'functions.things.events.0.websocket.route'],
  [withEvent('kafka: { topic: t, batchSize: 5 }'), 'functions.things.events.0.kafka.consumerGroupId'],
  [withEvent('schedule: 7'), 'functions.things.events.0.schedule'],
  [
    withEvent('{ sqs: { arn: "arn:aws:sqs:x" } }'),
    'expected Fn::GetAtt: [<Name>Queue, Arn] or [<Name>DeadLetters, Arn]',
  ],
  [withEvent('{ sqs: { arn: { Fn::GetAtt: [OtherQueue, Arn] } } }'), 'functions.things.events.0.sqs.arn'],
  [withEvent('{ httpApi: GET /a, schedule: rate(1 minute) }'), 'expected exactly one trigger'],
  [withEvent('httpApi: GET /things', 'dist/things.handler'), 'expected functions/<trigger>/<file>.<export>'],
  [withEvent('httpApi: GET /things', undefined, '$'.concat('{param:timeout}')), 'functions.things.timeout'],
  [withEvent('httpApi: GET /things', undefined, 901), 'functions.things.timeout'],
])('says what it does not understand: %s', ([functions, message]) => {
  expect(() => read(functions)).toThrow(message)
})

test('says everything that is wrong, not only the first', () => {
  const functions = withEvent('httpApi: GET', 'nowhere.handler', 1_000)
  expect(() => read(functions)).toThrow(/image\.command[\s\S]*timeout[\s\S]*httpApi/)
})

test('refuses a route that two functions want', () => {
  const functions = `${withEvent('httpApi: GET /things')}${withEvent('httpApi: GET /things').replace('things:', 'others:')}`
  expect(() => read(functions)).toThrow('gives to two functions: GET /things')
})
