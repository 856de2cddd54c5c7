import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { secretOf } from '../../infra/deploy/secret.ts'
import { PLANNING } from '../../infra/local/components/postgres.ts'

// .github/workflows and the templates of infra/deploy, held against serverless.yml and each other. Their own linters look at
// them in `npm run lint:deploy`.

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (path: string): string => readFileSync(root + path, 'utf8')
const yaml = (path: string) => parse(read(path), { merge: true })

const workflows = globSync('.github/workflows/*.yml', { cwd: root })
const stages = Object.keys(yaml('serverless.yml').params).filter((name) => name !== 'default')
const deployStage = '.github/workflows/deploy-stage.yml'

interface Step {
  name?: string
  run?: string
  env?: Record<string, string>
}
const stepsOfStage: Step[] = yaml(deployStage).jobs.deploy.steps
const placeOf = (text: string): number => stepsOfStage.findIndex(({ run }) => run?.includes(text))

describe.for(workflows)('%s', (path) => {
  test('runs strangers’ actions by their commits, and says which versions those are', () => {
    const used = [...read(path).matchAll(/uses: (\S+)(.*)/g)].filter(([, action = '']) => !action.startsWith('./'))
    for (const [, action, comment] of used) {
      expect(action).toMatch(/@[\da-f]{40}$/)
      expect(comment).toMatch(/^ # v\d+\.\d+\.\d+$/)
    }
  })

  test('runs scripts that are there', () => {
    const { scripts } = JSON.parse(read('package.json'))
    const named = [...read(path).matchAll(/npm run ([\w:-]+)/g)].map(([, name = '']) => name)
    expect(named.filter((name) => !(name in scripts))).toEqual([])
  })

  test('may by itself do no more than read', () => {
    expect(yaml(path).permissions).toEqual({ contents: 'read' })
  })
})

test('a version goes through all stages, in their order', () => {
  const { jobs } = yaml('.github/workflows/deploy.yml')
  expect(Object.keys(jobs)).toEqual(['check', 'stack', 'image', ...stages])
  expect(stages.map((stage) => jobs[stage].with.stage)).toEqual(stages)
  expect(['image', ...stages].map((job) => jobs[job].needs)).toEqual([
    ['check', 'stack'],
    'image',
    ...stages.slice(0, -1),
  ])
})

test('every script that tests is run by a workflow', () => {
  const scripts = Object.keys(JSON.parse(read('package.json')).scripts).filter((name) => name.startsWith('test:'))
  const run = workflows.map(read).join('\n')
  expect(scripts.filter((name) => !new RegExp(`npm run ${name}\\b`).test(run))).toEqual([])
})

test('the image that is pushed is the one that was tried', () => {
  const steps: Step[] = yaml('.github/workflows/image.yml').jobs.image.steps
  const tried = steps.findIndex(({ run }) => run?.includes('npm run test:image'))
  expect(steps.findIndex(({ run }) => run?.includes('docker push'))).toBeGreaterThan(tried)
  const image = `${'$'}{{ env.REGISTRY }}/stint:${'$'}{{ env.VERSION }}`
  expect(steps[tried]?.env).toEqual({ STINT_LAMBDA_IMAGE: image })
  expect(read('tests/image/run.ts')).toContain('STINT_LAMBDA_IMAGE')
})

test('a rollback goes to every stage, and leaves the database as it is', () => {
  const { on, jobs } = yaml('.github/workflows/rollback.yml')
  expect(on.workflow_dispatch.inputs.stage.options).toEqual(stages)
  expect(jobs.rollback.with.migrate).toBe(false)
})

test('the database is migrated before the new code is there, and scenarios are run after', () => {
  const [migrated, deployed, tried] = ['infra/deploy/migrate.sh', 'serverless deploy', 'npm run test:deployed'].map(
    placeOf,
  )
  expect(migrated).toBeGreaterThan(0)
  expect(deployed).toBeGreaterThan(migrated ?? 0)
  expect(tried).toBeGreaterThan(deployed ?? 0)
})

test.for([deployStage, 'docs/deploy.md'])('%s gives a stage what serverless.yml asks for', (path) => {
  const serverless = read('serverless.yml')
  const params = [...read(path).matchAll(/--param "(\w+)=/g)].map(([, name]) => name)
  expect(params).toEqual(expect.arrayContaining(['imageUri', 'version', 'deploymentRole']))
  expect(params.filter((name) => !serverless.includes(`{param:${name}`))).toEqual([])
})

test('the variables of an environment on GitHub are those that serverless.yml reads, and docs/deploy.md names', () => {
  const { env } = yaml(deployStage).jobs.deploy.steps[placeOf('serverless deploy')]
  const names = [...read('serverless.yml').matchAll(/\{env:(\w+), ''\}/g)].map(([, name = '']) => name)
  expect(Object.keys(env).toSorted()).toEqual(names.toSorted())
  for (const name of names) {
    expect(env[name]).toContain(`vars.${name} `)
    expect(read('docs/deploy.md')).toContain(`\`${name}\``)
  }
})

test('what a stage stands on is there for each stage, and has the names that the stage asks for', () => {
  const foundation = yaml('infra/deploy/foundation.yml')
  expect(foundation.Parameters.Stage.AllowedValues).toEqual(stages)
  expect(yaml('infra/deploy/deployer.yml').Parameters.Stage.AllowedValues).toEqual(stages)
  const asked = Object.values<{ Default: string }>(yaml('infra/deploy/parameters.yml').Parameters)
  const made = Object.values<{ Type: string; Properties: { Name: { 'Fn::Sub': string } } }>(foundation.Resources)
    .filter(({ Type }) => Type === 'AWS::SSM::Parameter')
    .map(({ Properties }) => Properties.Name['Fn::Sub'])
  /** The stage's name is there by another expression in either. */
  const plain = (name: string) => name.replace(/\$\{[\w:]+\}/, 'dev')
  // CloudFormation isn't told the brokers' addresses.
  const byHand = '/stint/dev/kafka-brokers'
  expect(asked.map((it) => plain(it.Default)).toSorted()).toEqual([...made.map(plain), byHand].toSorted())
})

test('what outlives its stack does so once it was made: what a failed first try left would be in the next one’s way', () => {
  const templates = ['account', 'bucket', 'foundation'].map((name) => yaml(`infra/deploy/${name}.yml`))
  const resources = templates.flatMap((it) => Object.values<{ DeletionPolicy?: string }>(it.Resources))
  const policies = resources.flatMap(({ DeletionPolicy = '' }) => DeletionPolicy.match(/^Retain.*/) ?? [])
  expect(policies).toEqual(Array(4).fill('RetainExceptOnCreate'))
})

test('every PostgreSQL that is made for Stint plans as the one does that tests have', () => {
  const { Database, DatabaseSettings } = yaml('infra/deploy/foundation.yml').Resources
  expect(Database.Properties.DBParameterGroupName).toEqual({ Ref: 'DatabaseSettings' })
  const { Family, Parameters } = DatabaseSettings.Properties
  expect(`${Database.Properties.EngineVersion}`.split('.')[0]).toBe(Family.replace('postgres', ''))
  expect(Parameters).toEqual({ ...PLANNING, jit: '0' })
  expect(PLANNING.jit).toBe('off')
  const options = Object.entries(PLANNING).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  expect(yaml('docker-compose.yml').services.postgres.command).toEqual(['postgres', ...options])
})

test('RDS Proxy lets in the users that the secret of a stage names, by passwords of their own', () => {
  const { Database, Proxy: proxy, ProxyRole, ...resources } = yaml('infra/deploy/foundation.yml').Resources
  const secrets: string[] = proxy.Properties.Auth.map(({ SecretArn }: { SecretArn: { Ref: string } }) => SecretArn.Ref)
  const [{ PolicyDocument }] = ProxyRole.Properties.Policies
  expect(PolicyDocument.Statement[0].Resource).toEqual(secrets.map((Ref) => ({ Ref })))
  const users = secrets.map(
    (name) => JSON.parse(resources[name].Properties.GenerateSecretString.SecretStringTemplate).username,
  )
  const given = { DATABASE_HOST: 'h', DATABASE_OWNER_PASSWORD: 'p', DATABASE_PASSWORD: 'q', SMTP_URL: '' }
  const { databaseUrl = '', databaseOwnerUrl = '' } = secretOf(given)
  expect(users).toEqual([new URL(databaseOwnerUrl).username, new URL(databaseUrl).username])
  expect(users[0]).toBe(Database.Properties.MasterUsername)
})

test('the brokers get each revision of their settings', () => {
  const { Brokers } = yaml('infra/deploy/foundation.yml').Resources
  const latest = { 'Fn::GetAtt': ['BrokersSettings', 'LatestRevision.Revision'] }
  expect(Brokers.Properties.ConfigurationInfo).toEqual({ Arn: { Ref: 'BrokersSettings' }, Revision: latest })
})

test('a topic of any number of events leaves room on the brokers’ disks', () => {
  const { Brokers, BrokersSettings } = yaml('infra/deploy/foundation.yml').Resources
  const lines: string[] = BrokersSettings.Properties.ServerProperties.trim().split('\n')
  const settings = Object.fromEntries(lines.map((line) => line.split('=')))
  const setTo = (name: string) => Number(settings[name])
  const { NumberOfBrokerNodes, BrokerNodeGroupInfo } = Brokers.Properties
  const ofABroker = (setTo('num.partitions') * setTo('default.replication.factor')) / NumberOfBrokerNodes
  // The segment that is written to comes on top.
  const bytes = ofABroker * (setTo('log.retention.bytes') + setTo('log.segment.bytes'))
  expect(bytes).toBeLessThan(0.8 * BrokerNodeGroupInfo.StorageInfo.EBSStorageInfo.VolumeSize * 1e9)
})

test('the database’s log is kept for a time, and not for ever as RDS would', () => {
  const { Database, DatabaseLog } = yaml('infra/deploy/foundation.yml').Resources
  const { DBInstanceIdentifier, EnableCloudwatchLogsExports } = Database.Properties
  const [name] = EnableCloudwatchLogsExports
  expect(DatabaseLog.Properties.LogGroupName['Fn::Sub']).toBe(
    `/aws/rds/instance/${DBInstanceIdentifier['Fn::Sub']}/${name}`,
  )
  expect(DatabaseLog.Properties.RetentionInDays).toBeDefined()
  expect(Database.DependsOn).toBe('DatabaseLog')
})

test('whoever deploys may read the parameters of the template, which CloudFormation reads by his rights', () => {
  const { Statement } = yaml('infra/deploy/deployer.yml').Resources.DeployStage.Properties.PolicyDocument
  const reads = Statement.find(({ Action }: { Action: string | string[] }) =>
    [Action].flat().includes('ssm:GetParameters'),
  )
  /** The stage's name is there by another expression in either. */
  const plain = (name: string) => name.replace(/\$\{[\w:]+\}/, 'dev')
  const [, may = ''] = /:parameter(\S+)\*$/.exec(reads?.Resource['Fn::Sub'] ?? '') ?? []
  const asked = Object.values<{ Type: string; Default: string }>(yaml('infra/deploy/parameters.yml').Parameters)
  expect(asked.filter(({ Type }) => Type.startsWith('AWS::SSM::Parameter::Value'))).toEqual(asked)
  expect(may).not.toBe('')
  for (const { Default } of asked) expect(plain(Default).startsWith(plain(may))).toBe(true)
})

test('whoever deploys may pass on the role that is made for it', () => {
  const { RoleName } = yaml('infra/deploy/account.yml').Resources.CloudFormationRole.Properties
  expect(read(deployStage)).toContain(`:role/${RoleName}"`)
  expect(read('infra/deploy/deployer.yml')).toContain(`:role/${RoleName}"`)
})
