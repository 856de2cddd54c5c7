import { join, resolve } from 'node:path'
import { urlOfRunning } from '../components/postgres.ts'
import { isAlive } from '../components/postgres-lock.ts'
import { sqsS3At } from '../components/sqs-s3.ts'
import { keepSecrets, localEnvironment } from './local-config.ts'
import { readRunFile } from './run-file.ts'

const NEEDED = ['postgres', 'sqs-s3']

/** The components that commands need and a running stack lacks just now: it is still starting, or one can't be restarted. */
export const missingOfRunning = (dataDir: string): string[] => {
  const processes = readRunFile(resolve(dataDir))
  const supervisor = processes.find(({ name }) => name === 'supervisor')
  if (!supervisor || !isAlive(supervisor.pid)) return []
  return NEEDED.filter((needed) => !processes.some(({ name }) => name === needed))
}

/** The functions' environment of the stack that runs on a data folder; undefined when none does. */
export const environmentOfRunning = async (dataDir: string): Promise<Record<string, string> | undefined> => {
  const folder = resolve(dataDir)
  const processes = new Map(readRunFile(folder).map((it) => [it.name, it]))
  const [postgres, sqsS3, kafka] = ['postgres', 'sqs-s3', 'kafka'].map((name) => processes.get(name))
  if (!postgres?.port || !sqsS3?.port) return undefined
  const url = await urlOfRunning(join(folder, 'postgres'), postgres.port)
  if (!url) return undefined
  const running = {
    postgres: { url },
    sqsS3: sqsS3At(sqsS3.port),
    kafka: { address: kafka?.address ?? 'localhost:9092' },
  }
  return localEnvironment(running, await keepSecrets(folder))
}
