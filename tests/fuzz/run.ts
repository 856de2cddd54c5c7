import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { kinds } from '../../functions/jobs/index.ts'
import { run as runCli } from '../../infra/cli/program.ts'
import { scratchFolder } from '../../infra/local/shared/scratch-folder.ts'
import { startStack } from '../../infra/local/stack.ts'
import { belongingsOf } from '../scenarios/declared-routes.ts'
import { signUp } from './admin.ts'
import { fuzz, whyMissing } from './schemathesis.ts'

// `npm run test:fuzz`: requests that Schemathesis makes up from the OpenAPI document, to a stack that runs. None may be
// answered with a 5xx, or with what the document doesn't have. Without PyPI it is skipped; with CI=true that is a failure.

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    seed: { type: 'string' },
    phases: { type: 'string', default: 'examples,coverage,fuzzing,stateful' },
  },
})

const main = async (): Promise<boolean> => {
  const missing = whyMissing()
  if (missing) {
    console.error(`The API was not fuzzed: Schemathesis can't be had here. ${missing}`)
    return !process.env['CI']
  }
  const folder = scratchFolder('fuzz')
  const dataDir = join(folder, 'stint')
  const stack = await startStack({ dataDir, env: { STINT_CHAOS: '' } })
  try {
    const admin = await signUp(stack.url)
    const io = { env: { STINT_DATA_DIR: dataDir }, out: () => {}, err: console.error }
    if ((await runCli(['admin', 'add', admin.email], io)) !== 0) throw new Error('nobody became an admin')
    const own = Object.entries(await belongingsOf(admin, admin)).map(([name, id]) => [name, [id]] as const)
    const seed = Number(values.seed ?? Math.floor(Math.random() * 1_000_000))
    const likely = { ...Object.fromEntries(own), kind: kinds.map(({ kind }) => kind) }
    const seconds = Number(values.seconds)
    const { phases } = values
    return await fuzz({ url: stack.url, token: admin.accessToken, folder, seed, seconds, phases, likely })
  } finally {
    await stack.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

process.exitCode = (await main()) ? 0 : 1
