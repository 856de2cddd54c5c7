import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { parse } from 'yaml'

// What keeps whoever deploys a stage from giving its functions any right that there is (infra/deploy/account.yml).

interface Statement {
  Effect: 'Allow' | 'Deny'
  Action: string | string[]
  Resource: unknown
  Condition?: unknown
}
interface Resource {
  Type: string
  Properties: Record<string, unknown>
}

const read = (name: string): Record<string, Resource> => {
  const text = readFileSync(new URL(`../../infra/deploy/${name}.yml`, import.meta.url), 'utf8')
  return parse(text.replaceAll(/\$\{sls:stage\}/g, 'dev'), { merge: true }).Resources
}
const account = read('account')
const deployer = read('deployer')
const stage = { ...read('roles'), ...read('queues'), ...read('bucket') }

const statementsOf = (resource: Resource | undefined): Statement[] =>
  (resource?.Properties['PolicyDocument'] as { Statement: Statement[] } | undefined)?.Statement ?? []
const actionsOf = ({ Action }: Statement): string[] => [Action].flat()

/** An ARN of a template with something in the place of what CloudFormation puts there. */
const arnOf = (value: unknown): string => {
  const { Ref, ...named } = value as { 'Fn::Sub'?: string; 'Fn::GetAtt'?: [string, string]; Ref?: string }
  if (typeof value === 'string') return value
  if (named['Fn::GetAtt']) return plainArnOf(named['Fn::GetAtt'][0])
  const text = named['Fn::Sub'] ?? expect.unreachable(`${Ref}`)
  const known: Record<string, string> = { 'AWS::Partition': 'aws', 'AWS::Region': 'here', 'AWS::AccountId': '1' }
  return text
    .replaceAll(/\$\{(\w+)\.Arn\}/g, (_, name: string) => plainArnOf(name))
    .replaceAll(/\$\{([\w:]+)\}/g, (_, name: string) => known[name] ?? name)
}
const plainArnOf = (name: string): string => {
  const { QueueName, BucketName } = stage[name]?.Properties ?? {}
  return QueueName ? `arn:aws:sqs:here:1:${QueueName}` : `arn:aws:s3:::${arnOf(BucketName)}`
}

const covers = (pattern: string, arn: string): boolean =>
  new RegExp(`^${pattern.replaceAll(/[.+$]/g, '\\$&').replaceAll('*', '.*')}$`).test(arn)

test('the boundary has room for whatever the policies of a stage allow', () => {
  const within = statementsOf(account['Boundary']).flatMap((it) =>
    actionsOf(it).map((action) => ({ action, resources: [it.Resource].flat().map(arnOf) })),
  )
  const allowed = Object.entries(stage).flatMap(([name, it]) =>
    statementsOf(it)
      .filter(({ Effect }) => Effect === 'Allow')
      .flatMap((statement) =>
        actionsOf(statement).flatMap((action) =>
          [statement.Resource].flat().map((resource) => ({ name, action, arn: arnOf(resource) })),
        ),
      ),
  )
  const policies = allowed.filter(({ name }) => stage[name]?.Type === 'AWS::IAM::ManagedPolicy')
  expect(policies.length).toBeGreaterThan(10)
  const outside = policies.filter(
    ({ action, arn }) => !within.some((it) => it.action === action && it.resources.some((each) => covers(each, arn))),
  )
  expect(outside).toEqual([])
})

test('the boundary has no right over rights in it, and nothing that is not named', () => {
  const actions = statementsOf(account['Boundary']).flatMap(actionsOf)
  expect(actions.filter((it) => /^(iam|sts|organizations):|\*/.test(it))).toEqual([])
})

const rightsOfCloudFormation = (): Statement[] => {
  const policies = account['CloudFormationRole']?.Properties['Policies'] as {
    PolicyDocument: { Statement: Statement[] }
  }[]
  return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
}

test('CloudFormation makes roles and gives them policies within the boundary only, and never takes it off', () => {
  const allows = rightsOfCloudFormation().filter(({ Effect }) => Effect === 'Allow')
  // All that IAM lets a boundary be asked of ("Actions, resources, and condition keys for IAM"), and those that these need.
  const within = ['AttachRolePolicy', 'CreateRole', 'DetachRolePolicy', 'PutRolePermissionsBoundary']
  const asked = allows.filter((it) => actionsOf(it).some((action) => within.includes(action.replace('iam:', ''))))
  expect(asked.map(({ Condition }) => Condition)).toEqual([
    { StringEquals: { 'iam:PermissionsBoundary': { Ref: 'Boundary' } } },
  ])
  const all = allows.flatMap(actionsOf)
  const never = ['DeleteRolePermissionsBoundary', 'PutRolePolicy', 'DeleteRolePolicy', 'SetDefaultPolicyVersion']
  expect(all.filter((it) => it.includes('*') || /User|Group|AccessKey|InstanceProfile/.test(it))).toEqual([])
  expect(all.filter((it) => never.includes(it.replace('iam:', '')))).toEqual([])
  const passes = allows.filter((it) => actionsOf(it).includes('iam:PassRole'))
  expect(passes.map(({ Condition }) => Condition)).toEqual([
    { StringEquals: { 'iam:PassedToService': 'lambda.amazonaws.com' } },
  ])
})

test('CloudFormation may touch neither the boundary, nor its own role, nor who deploys', () => {
  const denied = rightsOfCloudFormation()
    .filter(({ Effect, Action }) => Effect === 'Deny' && Action === 'iam:*')
    .flatMap(({ Resource }) => [Resource].flat().map(arnOf))
  const { RoleName } = account['CloudFormationRole']?.Properties ?? {}
  const deployerRole = deployer['Deployer']?.Properties['RoleName'] as { 'Fn::Sub': string }
  // CloudFormation names policies that have no name by their stack, which docs/deploy.md names.
  const policies = Object.entries(deployer).filter(([, { Type }]) => Type === 'AWS::IAM::ManagedPolicy')
  const kept = [
    'policy/stint-boundary',
    `role/${RoleName}`,
    `role/${deployerRole['Fn::Sub'].replace(/\$\{\w+\}/, 'prod')}`,
    ...policies.map(([name]) => `policy/stint-prod-deployer-${name}-1ABC`),
  ]
  expect(kept).toHaveLength(5)
  const open = kept.filter((it) => !denied.some((pattern) => covers(pattern, `arn:aws:iam::1:${it}`)))
  expect(open).toEqual([])
})

test('an account takes images from the named one, and from it nothing but copies into its own repository', () => {
  expect(account['TakenImages']?.Properties['PolicyText']).toHaveProperty('Statement', [
    {
      Effect: 'Allow',
      Principal: { AWS: { 'Fn::Sub': `arn:${'$'}{AWS::Partition}:iam::${'$'}{ImagesFrom}:root` } },
      Action: 'ecr:ReplicateImage',
      Resource: { 'Fn::GetAtt': ['Images', 'Arn'] },
    },
  ])
  expect(account['TakenImages']).toMatchObject({ Condition: 'TakesImages' })
})
