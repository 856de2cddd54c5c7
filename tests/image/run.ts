import { spawnSync } from 'node:child_process'

// `npm run test:image`: builds the image of the functions and calls them in it, through Lambda's runtime interface. What
// stands behind `--` goes to `docker build`: `--build-arg BASE_IMAGE=…`, `--secret …`. STINT_IMAGE names one that is built.

const TAG = 'stint:test'

const docker = (args: string[]): boolean => spawnSync('docker', args, { stdio: 'inherit' }).status === 0

const main = (buildArgs: string[]): number => {
  if (spawnSync('docker', ['info'], { stdio: 'ignore' }).status !== 0) {
    console.error('The image was not tested: no Docker engine answers here.')
    return process.env['CI'] ? 1 : 0
  }
  const image = process.env['STINT_IMAGE'] ?? TAG
  const build = ['build', '--file', 'infra/docker/Dockerfile', '--target', 'lambda', '--tag', TAG, ...buildArgs, '.']
  if (image === TAG && !docker(build)) return 1
  const env = { ...process.env, STINT_IMAGE: image }
  return spawnSync('vitest', ['run', 'tests/image'], { stdio: 'inherit', env }).status ?? 1
}

process.exitCode = main(process.argv.slice(2))
