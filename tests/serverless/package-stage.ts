import { execFile } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export const IMAGE_URI = `123456789012.dkr.ecr.eu-central-1.amazonaws.com/stint@sha256:${'ab'.repeat(32)}`

/** Has osls make a stage's CloudFormation template, with a home without credentials and nobody to ask for any. */
export const packageStage = async (stage: string, folder: string): Promise<string> => {
  const env = {
    PATH: [join(ROOT, 'node_modules/.bin'), process.env['PATH']].join(delimiter),
    HOME: folder,
    AWS_EC2_METADATA_DISABLED: 'true',
    STINT_IMAGE_URI: IMAGE_URI,
  }
  const serverless = join(ROOT, 'node_modules/serverless/bin/serverless.js')
  await promisify(execFile)(process.execPath, [serverless, 'package', '--stage', stage, '--package', folder], {
    cwd: ROOT,
    env,
  })
  return join(folder, 'cloudformation-template-update-stack.json')
}
