import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { accountMail } from '../../functions/jobs/account-mail.ts'
import { allKinds } from '../../functions/jobs/index.ts'
import { mailSend } from '../../functions/jobs/mail-send.ts'
import { readRoutingTable } from '../../infra/local/host/routing-table.ts'
import { METRICS } from '../../lib/metrics/catalogue.ts'
import { QUEUES } from '../../lib/queue/doorbells.ts'
import { IMAGE_URI, packageStage } from './package-stage.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const table = readRoutingTable(join(root, 'serverless.yml'))

interface Resource {
  Type: string
  Properties: Record<string, unknown>
}
let template: { Resources: Record<string, Resource>; Parameters: Record<string, { Type: string }> }
const folder = mkdtempSync(join(tmpdir(), 'serverless-package-'))

beforeAll(async () => {
  template = JSON.parse(readFileSync(await packageStage('dev', folder), 'utf8'))
})

afterAll(() => rmSync(folder, { recursive: true }))

const ofType = (type: string): Resource['Properties'][] =>
  Object.values(template.Resources).flatMap((it) => (it.Type === type ? [it.Properties] : []))
const variablesOf = (functionName: string): Record<string, unknown> => {
  const properties = ofType('AWS::Lambda::Function').find((it) => it['FunctionName'] === functionName)
  return (properties?.['Environment'] as { Variables: Record<string, unknown> } | undefined)?.Variables ?? {}
}
const roleMay = (role: string): string => JSON.stringify(template.Resources[role]?.Properties['ManagedPolicyArns'])
const roleOf = (functionName: string): string =>
  `${functionName.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())}Role`

const imports = new Map<string, string[]>()
const importsOf = (file: string): string[] => {
  const known = imports.get(file)
  if (known) return known
  const source = readFileSync(file, 'utf8').replaceAll(/^import type .*$/gm, '')
  const found = [...source.matchAll(/(?:from |import\()'(\.{1,2}\/[^']+\.ts)'/g)]
  const files = found.map(([, path = '']) => join(dirname(file), path))
  imports.set(file, files)
  return files
}

/** Every file of ours that a file imports, itself or through others. */
const importedBy = (file: string, seen = new Set<string>()): Set<string> => {
  if (seen.has(file)) return seen
  seen.add(file)
  for (const it of importsOf(file)) importedBy(it, seen)
  return seen
}
const { http, queues, deadLetters, schedules, sockets, streams, operations } = table
const entries = [...http, ...queues, ...deadLetters, ...schedules, ...sockets, ...streams, ...operations]
const functionNames = [...new Set(entries.map((it) => it.functionName))]

describe('the CloudFormation template, made without credentials', () => {
  test('has every function of the table, from the image, by its digest', () => {
    const functions = ofType('AWS::Lambda::Function')
    expect(functions.map((it) => it['FunctionName']).toSorted()).toEqual(
      functionNames.map((it) => `stint-dev-${it}`).toSorted(),
    )
    for (const it of functions) {
      expect(it).toMatchObject({ PackageType: 'Image', Code: { ImageUri: IMAGE_URI }, Architectures: ['arm64'] })
    }
    const worker = functions.find((it) => it['FunctionName'] === 'stint-dev-worker-compute')
    expect(worker).toMatchObject({ ImageConfig: { Command: ['functions/queue/worker.handler'] }, Timeout: 900 })
    // A file of 1 GiB, as much again as a table, and 3 GB that don't fit into memory.
    expect(worker).toMatchObject({ EphemeralStorage: { Size: 6144 } })
  })

  test('has every route of the table, with payload 2.0 and a timeout that API Gateway keeps', () => {
    const keys = ofType('AWS::ApiGatewayV2::Route').map((it) => String(it['RouteKey']))
    const ofHttp = keys.filter((key) => !key.startsWith('$'))
    expect(ofHttp.toSorted()).toEqual(table.http.map(({ method, path }) => `${method} ${path}`).toSorted())
    const ofSockets = keys.filter((key) => key.startsWith('$'))
    expect(ofSockets.toSorted()).toEqual(table.sockets.map(({ route }) => route).toSorted())
    for (const it of ofType('AWS::ApiGatewayV2::Integration')) {
      if (JSON.stringify(it['ApiId']).includes('WebsocketsApi')) continue
      expect(it['PayloadFormatVersion']).toBe('2.0')
      expect(it['TimeoutInMillis']).toBeLessThanOrEqual(30_000)
    }
    const api = ofType('AWS::ApiGatewayV2::Api').find((it) => it['ProtocolType'] === 'HTTP')
    expect(api?.['CorsConfiguration']).toMatchObject({ AllowOrigins: ['*'], AllowMethods: table.cors.allowedMethods })
  })

  test('has a mapping for each queue that reports failures by message and keeps to its concurrency', () => {
    const mappings = ofType('AWS::Lambda::EventSourceMapping').flatMap((it) =>
      it['Topics']
        ? []
        : [
            {
              arn: it['EventSourceArn'],
              batchSize: it['BatchSize'],
              responses: it['FunctionResponseTypes'],
              scaling: it['ScalingConfig'],
            },
          ],
    )
    expect(mappings).toEqual(
      [
        ['DefaultQueue', 10, 50],
        ['ComputeQueue', 1, 20],
        ['BulkQueue', 10, 10],
        ['DefaultDeadLetters', 10, 2],
        ['ComputeDeadLetters', 10, 2],
        ['BulkDeadLetters', 10, 2],
      ].map(([queue, batchSize, MaximumConcurrency]) => ({
        arn: { 'Fn::GetAtt': [queue, 'Arn'] },
        batchSize,
        responses: ['ReportBatchItemFailures'],
        scaling: { MaximumConcurrency },
      })),
    )
  })

  test('reads Kafka at once, from the brokers and by the network of the stage', () => {
    const [mapping] = ofType('AWS::Lambda::EventSourceMapping').filter((it) => it['Topics'])
    expect(mapping).toMatchObject({
      Topics: ['stint.jobs.v1'],
      MaximumBatchingWindowInSeconds: 0,
      SelfManagedEventSource: { Endpoints: { KafkaBootstrapServers: { 'Fn::Split': [',', { Ref: 'KafkaBrokers' }] } } },
    })
    expect(JSON.stringify(mapping)).not.toMatch(/from-parameters|subnet-0|sg-0/)
  })

  test('lets only the function that pushes events write to WebSockets', () => {
    const writers = functionNames.filter((name) => roleMay(roleOf(name)).includes('WriteToWebsockets'))
    expect(writers).toEqual(['live-push'])
  })

  test('hides a message for longer than its function may take, and puts it aside with those of its queue after five tries', () => {
    for (const queue of ['Default', 'Compute', 'Bulk']) {
      const { VisibilityTimeout, RedrivePolicy } = template.Resources[`${queue}Queue`]?.Properties ?? {}
      expect(VisibilityTimeout).toBeGreaterThan(900)
      const deadLetterTargetArn = { 'Fn::GetAtt': [`${queue}DeadLetters`, 'Arn'] }
      expect(RedrivePolicy).toEqual({ deadLetterTargetArn, maxReceiveCount: 5 })
    }
  })

  test('lets workers ring their own queues, which AWS would stop as a loop', () => {
    const workers = ofType('AWS::Lambda::Function').filter((it) => String(it['FunctionName']).includes('worker'))
    expect(workers.map((it) => it['RecursiveLoop'])).toEqual(['Allow', 'Allow', 'Allow'])
  })

  test('starts the sweep, the relay and the metrics each minute, and the prune each hour, and leaves it to the next start to retry', () => {
    expect(ofType('AWS::Events::Rule').map((it) => it['ScheduleExpression'])).toEqual([
      'rate(1 minute)',
      'rate(1 minute)',
      'rate(1 minute)',
      'rate(1 hour)',
    ])
    const started = ofType('AWS::Lambda::EventInvokeConfig')
    expect(started.map((it) => it['MaximumRetryAttempts'])).toEqual([0, 0, 0, 0])
    expect(started.map((it) => it['MaximumEventAgeInSeconds'])).toEqual([60, 60, 60, 3_600])
  })

  test('keeps concurrency for what runs all the time in prod, where there is much of it, and nowhere else', async () => {
    const kept = (name: string) => ({
      name,
      calls: ofType('AWS::Lambda::Function').find((it) => it['FunctionName'] === `stint-dev-${name}`)?.[
        'ReservedConcurrentExecutions'
      ],
    })
    const minutely = schedules.filter(({ rate }) => rate === 'rate(1 minute)').map(({ functionName }) => functionName)
    const others = functionNames.filter((name) => !minutely.includes(name))
    expect(minutely.map(kept)).toEqual(minutely.map((name) => ({ name, calls: { Ref: 'AWS::NoValue' } })))
    expect(others.map(kept).filter(({ calls }) => calls !== undefined)).toEqual([])
    const { prod } = parse(readFileSync(join(root, 'serverless.yml'), 'utf8'), { merge: true }).params
    // One start meets the next.
    expect(prod.keptConcurrency).toBe(2)
  })

  test('gives each function a role of its own', () => {
    const roles = ofType('AWS::Lambda::Function').map((it) => JSON.stringify(it['Role']))
    expect(new Set(roles).size).toBe(functionNames.length)
    expect(ofType('AWS::IAM::Role')).toHaveLength(functionNames.length)
  })

  test('makes each role within the boundary of the account', () => {
    const { Boundary } = parse(readFileSync(join(root, 'infra/deploy/account.yml'), 'utf8')).Resources
    const { ManagedPolicyName: name } = Boundary.Properties
    const boundary = { 'Fn::Sub': `arn:${'$'}{AWS::Partition}:iam::${'$'}{AWS::AccountId}:policy/${name}` }
    expect(ofType('AWS::IAM::Role').filter((it) => !it['PermissionsBoundary'])).toEqual([])
    for (const it of ofType('AWS::IAM::Role')) expect(it['PermissionsBoundary']).toEqual(boundary)
  })

  test('has each function in the network of the stage, where its code may make no interfaces', () => {
    for (const it of ofType('AWS::Lambda::Function')) {
      expect(it['VpcConfig']).toMatchObject({ SecurityGroupIds: [{ Ref: 'SecurityGroupId' }] })
    }
    for (const name of functionNames) {
      expect(roleMay(roleOf(name)), name).toContain('policy/service-role/AWSLambdaENIManagementAccess')
      expect(roleMay(roleOf(name)), name).toContain('LeaveNetworkToLambda')
    }
  })

  test('allows nothing on everything', () => {
    const policies = [...ofType('AWS::IAM::ManagedPolicy'), ...ofType('AWS::IAM::Role')]
    const statements = policies
      .flatMap((it) => (it['PolicyDocument'] as { Statement: Resource['Properties'][] })?.Statement ?? [])
      .filter(({ Effect }) => Effect === 'Allow')
    expect(statements.length).toBeGreaterThan(0)
    for (const { Action, Resource } of statements) {
      expect([Action].flat().filter((action) => String(action).includes('*'))).toEqual([])
      expect([Resource].flat()).not.toContain('*')
    }
  })

  test('lets a function ring just when something that it imports does', () => {
    for (const { functionName, handlerFile } of entries) {
      // It imports every route to describe it, and runs none.
      if (functionName === 'docs') continue
      const rings = importedBy(join(root, handlerFile)).has(join(root, 'lib/queue/ring.ts'))
      expect.soft(roleMay(roleOf(functionName)).includes('RingDoorbells'), functionName).toBe(rings)
    }
  })

  test('lets a function read and write files just when it does, and delete them just when it deletes their rows', () => {
    for (const { functionName, handlerFile } of entries) {
      if (functionName === 'docs') continue
      const imported = importedBy(join(root, handlerFile))
      const may = roleMay(roleOf(functionName))
      const keeps = imported.has(join(root, 'lib/files/keep.ts'))
      expect.soft(may.includes('ReadAndWriteFiles'), functionName).toBe(keeps)
      expect.soft(may.includes('DeleteFiles'), functionName).toBe(imported.has(join(root, 'lib/files/orphans.ts')))
      const sees = keeps || imported.has(join(root, 'functions/use-cases/components.ts'))
      expect.soft(may.includes('SeeFilesBucket'), functionName).toBe(sees)
    }
  })

  test('lets only the function of a queue take its messages', () => {
    expect(roleMay('WorkerBulkRole')).toContain('AnswerBulkDoorbells')
    expect(roleMay('WorkerBulkRole')).not.toContain('AnswerDefaultDoorbells')
    expect(roleMay('DeadLetterRole')).toContain('TakeDeadLetters')
    expect(roleMay('ProjectsRole')).not.toMatch(/Doorbells|DeadLetters/)
  })

  test('keeps the files private, encrypted, and away from plain HTTP', () => {
    expect(template.Resources['FilesBucket']).toMatchObject({
      DeletionPolicy: 'RetainExceptOnCreate',
      Properties: { PublicAccessBlockConfiguration: { BlockPublicAcls: true, RestrictPublicBuckets: true } },
    })
    const [, policy] = ofType('AWS::S3::BucketPolicy')
    expect(JSON.stringify(policy)).toContain('"aws:SecureTransport":"false"')
  })

  test('takes no more requests in a second than the stage may', () => {
    const stages = ofType('AWS::ApiGatewayV2::Stage').map((it) => it['DefaultRouteSettings'])
    const limits = { ThrottlingRateLimit: 200, ThrottlingBurstLimit: 400 }
    // And has no metrics of each route, which cost by the route and which no alarm looks at.
    expect(stages).toEqual([limits, limits])
  })

  test('keeps logs for as long as the stage says, and no function without a log of its own', () => {
    const groups = ofType('AWS::Logs::LogGroup')
    expect(groups.map((it) => it['LogGroupName'])).toEqual(
      expect.arrayContaining(functionNames.map((name) => `/aws/lambda/stint-dev-${name}`)),
    )
    expect(new Set(groups.map((it) => it['RetentionInDays']))).toEqual(new Set([7]))
  })

  test('stays far below the 500 resources that CloudFormation allows', () => {
    expect(Object.keys(template.Resources).length).toBeLessThan(400)
  })
})

describe('the alarms', () => {
  interface Alarm {
    MetricName?: string
    Dimensions?: { Value: string }[]
    Metrics?: { Id: string; Expression?: string; MetricStat?: { Metric: { MetricName: string } } }[]
    EvaluationPeriods: number
    DatapointsToAlarm?: number
  }
  const alarms = () => ofType('AWS::CloudWatch::Alarm') as unknown as Alarm[]
  /** What an alarm has in it that looks at a function. */
  const reference = (name: string): string =>
    `{"Ref":"${name.charAt(0).toUpperCase()}${name.slice(1).replaceAll('-', 'Dash')}LambdaFunction"}`

  test('tell people when something is wrong, and when it is over', () => {
    expect(alarms().length).toBeGreaterThan(8)
    for (const it of alarms())
      expect(it).toMatchObject({ AlarmActions: [{ Ref: 'AlarmTopic' }], OKActions: [{ Ref: 'AlarmTopic' }] })
  })

  test('look at metrics that the function of the metrics writes, for each queue', () => {
    const own = alarms().filter((it) => it.MetricName?.startsWith('stint_') && it.MetricName !== 'stint_doorbells_dead')
    expect(own.map((it) => it.MetricName).filter((name = '') => !(name in METRICS))).toEqual([])
    const queues = own.flatMap(({ Dimensions = [] }) => Dimensions.map(({ Value }) => Value))
    expect(queues.toSorted()).toEqual(QUEUES.toSorted())
    expect(variablesOf('stint-dev-metrics')['CLOUDWATCH_NAMESPACE']).toBe('Stint/dev')
    for (const it of own) expect(it).toMatchObject({ Namespace: 'Stint/dev' })
  })

  test('count dead doorbells by what their function logs', () => {
    const [filter] = ofType('AWS::Logs::MetricFilter')
    const [, said = 'nothing'] = /\$\.msg = "(.*?)\*?"/.exec(String(filter?.['FilterPattern'])) ?? []
    expect(readFileSync(join(root, 'functions/queue/dead-letter.ts'), 'utf8')).toContain(`'${said}`)
    expect(filter?.['LogGroupName']).toEqual({ Ref: 'DeadDashletterLogGroup' })
  })

  test('hear of every function that nobody calls and waits for', () => {
    const heard = JSON.stringify(alarms())
    const alone = [...queues, ...deadLetters, ...schedules, ...streams].map(({ functionName }) => functionName)
    for (const name of alone) expect.soft(heard, name).toContain(reference(name))
  })

  test('know when Lambda reads Kafka late, or not at all while workers have something to tell', () => {
    const dimension = (name: string) => `"Dimensions":[{"Name":"FunctionName","Value":${reference(name)}}]`
    for (const { functionName } of streams) {
      const late = alarms().filter((it) => it.MetricName === 'OffsetLag')
      expect.soft(JSON.stringify(late), functionName).toContain(dimension(functionName))
      const silent = alarms().find((it) => JSON.stringify(it).includes('live-stands-still'))
      const metrics = silent?.Metrics ?? []
      const called = [functionName, 'relay', ...queues.map((it) => it.functionName)]
      const counted = metrics.flatMap(({ Id, MetricStat }) =>
        MetricStat?.Metric.MetricName === 'Invocations' ? { Id, text: JSON.stringify(MetricStat) } : [],
      )
      for (const name of called) expect.soft(counted.map(({ text }) => text).join(), name).toContain(dimension(name))
      const { Expression = '' } = metrics.find(({ MetricStat }) => !MetricStat) ?? {}
      const named = new Set(Expression.match(/\b[a-z]+\b/g))
      expect([...named].toSorted()).toEqual(counted.map(({ Id }) => Id).toSorted())
    }
  })

  test('look at a time in which a function starts as often as it must have failed', () => {
    for (const { functionName, rate } of schedules) {
      const everySeconds = rate === 'rate(1 hour)' ? 3_600 : 60
      for (const alarm of alarms().filter((it) => JSON.stringify(it).includes(reference(functionName)))) {
        const { EvaluationPeriods, DatapointsToAlarm = EvaluationPeriods } = alarm
        const [, periodSeconds] = /"Period":(\d+)/.exec(JSON.stringify(alarm)) ?? []
        const seconds = EvaluationPeriods * Number(periodSeconds)
        expect.soft(seconds, functionName).toBeGreaterThanOrEqual(DatapointsToAlarm * everySeconds)
      }
    }
  })
})

describe("the functions' environment", () => {
  test('has what the configuration needs, and no secret in it', async () => {
    const { readConfig } = await import('../../lib/core/config.ts')
    const Variables = variablesOf('stint-dev-submissions')
    const deployed: Record<string, string> = {
      DATABASE_URL: 'postgres://stint@proxy.example.com/stint',
      AUTH_PUBLIC_KEYS: JSON.stringify([{ kid: 'k', kty: 'OKP', crv: 'Ed25519', x: 'x' }]),
      SQS_QUEUE_URL_DEFAULT: 'https://sqs.eu-central-1.amazonaws.com/1/default',
      SQS_QUEUE_URL_COMPUTE: 'https://sqs.eu-central-1.amazonaws.com/1/compute',
      SQS_QUEUE_URL_BULK: 'https://sqs.eu-central-1.amazonaws.com/1/bulk',
      S3_BUCKET: 'stint-dev-files-1',
      KAFKA_BROKERS: 'b-1.example.com:9092',
    }
    for (const name of ['DATABASE_URL', 'AUTH_PUBLIC_KEYS']) {
      expect(Variables[name]).toMatch(/^\{\{resolve:secretsmanager:stint\/dev:SecretString:\w+\}\}$/)
    }
    expect(Object.keys(Variables)).toEqual(expect.arrayContaining(Object.keys(deployed)))
    const resolved = Object.entries(Variables).map(([name, value]) => [name, deployed[name] ?? value] as const)
    expect(resolved.filter(([, value]) => typeof value !== 'string')).toEqual([])
    expect(readConfig(Object.fromEntries(resolved) as Record<string, string>)).toMatchObject({
      database: { prepare: false },
      sqs: { endpoint: undefined },
      auth: { issuer: 'stint-dev' },
    })
  })

  test('makes only the function that migrates the owner of the tables, and tells it whom the others are', () => {
    const urlOf = (name: string) => `{{resolve:secretsmanager:stint/dev:SecretString:${name}}}`
    for (const name of functionNames) {
      const { DATABASE_URL, DATABASE_FUNCTIONS_URL } = variablesOf(`stint-dev-${name}`)
      const expected =
        name === 'migrate' ? ['databaseOwnerUrl', 'databaseUrl'].map(urlOf) : [urlOf('databaseUrl'), undefined]
      expect.soft([DATABASE_URL, DATABASE_FUNCTIONS_URL], name).toEqual(expected)
    }
  })

  test('gives what signs people in to who signs people in, and to nobody else', () => {
    for (const { functionName, handlerFile } of entries) {
      // It imports every route to describe it, and runs none.
      const imported = functionName === 'docs' ? new Set() : importedBy(join(root, handlerFile))
      const secretIf = (given: boolean) => (given ? expect.stringContaining(':secretsmanager:') : undefined)
      const { AUTH_SIGNING_KEYS, AUTH_REFRESH_KEY } = variablesOf(`stint-dev-${functionName}`)
      const signs = imported.has(join(root, 'lib/auth/issue-token.ts'))
      expect.soft(AUTH_SIGNING_KEYS, functionName).toEqual(secretIf(signs))
      expect.soft(AUTH_REFRESH_KEY, functionName).toEqual(secretIf(imported.has(join(root, 'lib/auth/sessions.ts'))))
    }
    expect(variablesOf('stint-dev-auth')).toHaveProperty('AUTH_SIGNING_KEYS')
  })

  test('gives the key of jobs’ secrets to who runs jobs that have such, and to nobody else', () => {
    const withSecrets = allKinds.filter(({ run }) => /\bsecret\b/.test(String(run)))
    const runners = withSecrets.map(({ queue }) => `worker-${queue}`)
    expect(runners.length).toBeGreaterThan(0)
    for (const name of functionNames) {
      const secret = runners.includes(name) ? expect.stringContaining(':secretsmanager:') : undefined
      expect.soft(variablesOf(`stint-dev-${name}`)['JOB_SECRET_KEY'], name).toEqual(secret)
    }
  })

  test('gives the way to the mail server to who sends mails or asks whether they reach people, and to nobody else', () => {
    const senders = new Set([mailSend, accountMail].map(({ queue }) => `worker-${queue}`))
    for (const { functionName, handlerFile } of entries) {
      // It imports every route to describe it, and runs none.
      if (functionName === 'docs') continue
      const asks = importedBy(join(root, handlerFile)).has(join(root, 'functions/use-cases/members.ts'))
      const { SMTP_URL } = variablesOf(`stint-dev-${functionName}`)
      const secret = asks || senders.has(functionName) ? expect.stringContaining(':secretsmanager:') : undefined
      expect.soft(SMTP_URL, functionName).toEqual(secret)
    }
  })

  test.for<[variable: string, file: string]>([
    ['METRICS_TOKEN', 'lib/auth/metrics-token.ts'],
    ['LIVE_URL', 'functions/http/live.ts'],
    ['LIVE_URL', 'functions/dashboard/pages.ts'],
    ['LIVE_MANAGEMENT_URL', 'functions/use-cases/live-push.ts'],
    ['PUSHGATEWAY_URL', 'functions/schedule/metrics.ts'],
    ['CLOUDWATCH_NAMESPACE', 'functions/schedule/metrics.ts'],
  ])('has %s where %s runs', ([variable, file]) => {
    const users = entries.filter(
      ({ functionName, handlerFile }) =>
        functionName !== 'docs' && importedBy(join(root, handlerFile)).has(join(root, file)),
    )
    expect(users.length).toBeGreaterThan(0)
    for (const { functionName } of users)
      expect.soft(variablesOf(`stint-dev-${functionName}`), functionName).toHaveProperty(variable)
  })

  test('leaves AWS_REGION to Lambda, which refuses it', () => {
    for (const name of functionNames) expect(Object.keys(variablesOf(`stint-dev-${name}`))).not.toContain('AWS_REGION')
  })
})
