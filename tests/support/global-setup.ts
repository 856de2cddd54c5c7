import { chmod, mkdtemp, readdir, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import connect from 'postgres'
import type { TestProject } from 'vitest/node'
import { migrateUp } from '../../db/migrate.ts'
import { startKafka } from '../../infra/local/components/kafka.ts'
import { startPostgres } from '../../infra/local/components/postgres.ts'
import { isAlive } from '../../infra/local/components/postgres-lock.ts'
import { startSqsS3 } from '../../infra/local/components/sqs-s3.ts'
import { demandUi } from '../../infra/ui/prepare.ts'
import { givenStack, withDatabase } from './given-stack.ts'

/** The stack that all tests share; what a test sees of it is its own (see world.ts). */
export interface TestStack {
  /** Of the database that makes and drops the others. */
  adminUrl: string
  /** Where apps connect to. */
  databaseUrl: string
  /** A migrated database; each test gets a copy. */
  template: string
  awsUrl: string
  region: string
  kafkaAddress: string
  /** Variables that every app is configured with. */
  environment: Record<string, string>
}

declare module 'vitest' {
  interface ProvidedContext {
    stack: TestStack
  }
}

const PREFIX = 'stint-test-'
const TEMPLATE = 'stint_template'

/** The data is thrown away: nothing has to reach the disk. */
const SETTINGS = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '200',
  shared_buffers: '128MB',
}

/** One Postgres, one SQS and S3, one Kafka for the whole run; those that run already are taken as they are. */
export default async (project: TestProject): Promise<() => Promise<void>> => {
  // A fresh clone has no page to serve yet.
  await demandUi()
  const base = await dataBase()
  await removeLeftovers(base)
  const given = givenStack()
  const dataDir = await mkdtemp(join(base, `${PREFIX}${process.pid}-`))
  // If we are root, Postgres runs as another user, who must be able to enter.
  await chmod(dataDir, 0o711)
  const [postgres, sqsS3, kafka] = await Promise.all([
    given.adminUrl === undefined
      ? startPostgres({ dataDir: join(dataDir, 'postgres'), database: TEMPLATE, settings: SETTINGS })
      : undefined,
    given.awsUrl === undefined ? startSqsS3({ dataDir }) : undefined,
    given.kafkaAddress === undefined ? startKafka() : undefined,
  ])
  project.provide('scratch', dataDir)
  const adminUrl = given.adminUrl ?? postgres?.urlOf('postgres') ?? ''
  if (!postgres) await makeTemplate(adminUrl)
  await migrateUp(postgres?.url ?? withDatabase(adminUrl, TEMPLATE))
  project.provide('stack', {
    adminUrl,
    databaseUrl: given.databaseUrl ?? postgres?.socketUrl ?? adminUrl,
    template: TEMPLATE,
    awsUrl: given.awsUrl ?? sqsS3?.url ?? '',
    region: given.region ?? sqsS3?.region ?? '',
    kafkaAddress: given.kafkaAddress ?? kafka?.address ?? '',
    environment: given.environment ?? {},
  })
  return async () => {
    await Promise.all([postgres?.stop(), sqsS3?.stop(), kafka?.stop()])
    await rm(dataDir, { recursive: true, force: true })
  }
}

/** Anew: what an earlier run on this server left may have other migrations. */
const makeTemplate = async (adminUrl: string): Promise<void> => {
  const sql = connect(adminUrl, { max: 1, onnotice: () => {} })
  try {
    await sql`DROP DATABASE IF EXISTS ${sql(TEMPLATE)}`
    await sql`CREATE DATABASE ${sql(TEMPLATE)}`
  } finally {
    await sql.end()
  }
}

/** Linux's file system in memory. */
const MEMORY = '/dev/shm'
const NEEDED_BYTES = 2 ** 32

/**
 * In memory if there is room: each database is 300 files, which a disk is slow to make and remove, and a stack of a test's own
 * waits for the disk at each commit.
 */
const dataBase = async (): Promise<string> => {
  const { bavail, bsize } = await statfs(MEMORY).catch(() => ({ bavail: 0, bsize: 0 }))
  return bavail * bsize >= NEEDED_BYTES ? MEMORY : tmpdir()
}

/** Folders of runs that were killed. Their servers ended with them. */
const removeLeftovers = async (base: string): Promise<void> => {
  for (const name of await readdir(base)) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1]
    if (pid && !isAlive(Number(pid))) await rm(join(base, name), { recursive: true, force: true })
  }
}
