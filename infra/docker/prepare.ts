import { giveRights } from '../../db/functions-role.ts'
import { MigrationError, migrateUp } from '../../db/migrate.ts'
import { ConfigError, readConfig } from '../../lib/core/config.ts'
import { readHostConfig } from '../../lib/core/host-config.ts'
import { keepSecrets } from '../local/supervisor/local-config.ts'
import { makeQueuesAndBucket } from './queues-and-bucket.ts'

// `node infra/docker/prepare.ts`: the tables, the queues and the bucket that are missing, and the keys that tokens are made
// with. On AWS the stack makes them; here whoever starts the containers. It can be run again at any time.

const main = async (): Promise<void> => {
  const secrets = await keepSecrets(readHostConfig(process.env).dataDir)
  const config = readConfig({ ...secrets, ...process.env })
  const { url, functionsUrl } = config.database
  await migrateUp(url)
  await giveRights(url, functionsUrl)
  await makeQueuesAndBucket(config)
  console.log('Tables, queues and the bucket are there.')
}

await main().catch((error: unknown) => {
  const isKnown = error instanceof ConfigError || error instanceof MigrationError
  console.error(isKnown ? error.message : error)
  process.exitCode = 1
})
