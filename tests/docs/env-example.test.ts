import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { expect, test } from 'vitest'
import { readConfig } from '../../lib/core/config.ts'
import { readHostConfig } from '../../lib/core/host-config.ts'

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

const example = read('.env.example')

/** The settings of somebody who uncomments every line. */
const everything = Object.fromEntries(
  Object.entries(parseEnv(example.replaceAll(/^#(?=[A-Z])/gm, ''))).map(([name, value]) => [name, value ?? '']),
)

/** The names that a file declares in its `environment`. */
const declaredIn = (path: string): string[] =>
  [...read(path).matchAll(/^ {2}([A-Z][A-Z0-9_]*): z|^ {2}([A-Z][A-Z0-9_]*): \w+[.(]/gm)].map(
    ([, name, other]) => name ?? other ?? '',
  )

/** Values for what has no default. */
const needed = {
  DATABASE_URL: 'postgres://stint@localhost/stint',
  SQS_QUEUE_URL_DEFAULT: 'https://sqs.eu-central-1.amazonaws.com/1/default',
  SQS_QUEUE_URL_COMPUTE: 'https://sqs.eu-central-1.amazonaws.com/1/compute',
  SQS_QUEUE_URL_BULK: 'https://sqs.eu-central-1.amazonaws.com/1/bulk',
  S3_BUCKET: 'stint-files',
  KAFKA_BROKERS: 'localhost:9092',
}

test('.env.example has every variable that is read, and no other', () => {
  const declared = new Set([...declaredIn('lib/core/config.ts'), ...declaredIn('lib/core/host-config.ts')])
  expect(Object.keys(everything).toSorted()).toEqual([...declared].toSorted())
})

test('.env.example names the defaults that the code has', () => {
  expect(readConfig({ ...everything, ...needed })).toEqual(readConfig(needed))
  expect(readHostConfig(everything)).toEqual(readHostConfig({}))
})

test('.env.example marks what has no default, and nothing else', () => {
  const marked = [...example.matchAll(/^# \(needed\)[^\n]*\n(?:#[^\n]*\n)*?#([A-Z][A-Z0-9_]*)=/gm)].map(
    ([, name]) => name,
  )
  expect(marked.toSorted()).toEqual(Object.keys(needed).toSorted())
})

test('.env.example as it stands sets nothing', () => {
  expect(parseEnv(example)).toEqual({})
})
