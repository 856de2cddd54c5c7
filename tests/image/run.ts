import { spawnSync } from 'node:child_process'

// `npm run test:image`: builds the two images and tries them: the functions through Lambda's runtime interface, the host
// with jobs. What stands behind `--` goes to `docker build`: `--build-arg BASE_IMAGE=…`, `--secret …`. Images that are
// built already are named by STINT_LAMBDA_IMAGE and STINT_HOST_IMAGE.

const IMAGES = { STINT_LAMBDA_IMAGE: 'lambda', STINT_HOST_IMAGE: 'host' }

const docker = (args: string[]): boolean => {
  // Engines before 23 have BuildKit, and don't use it unless they are asked to.
  const env = { ...process.env, DOCKER_BUILDKIT: '1' }
  return spawnSync('docker', args, { stdio: 'inherit', env }).status === 0
}

const build = (target: string, buildArgs: string[]): string | undefined => {
  const tag = `stint:test-${target}`
  const args = ['build', '--file', 'infra/docker/Dockerfile', '--target', target, '--tag', tag, ...buildArgs, '.']
  return docker(args) ? tag : undefined
}

const main = (buildArgs: string[]): number => {
  if (spawnSync('docker', ['info'], { stdio: 'ignore' }).status !== 0) {
    console.error('The images were not tested: no Docker engine answers here.')
    return process.env['CI'] ? 1 : 0
  }
  const named: Record<string, string> = {}
  for (const [variable, target] of Object.entries(IMAGES)) {
    const image = process.env[variable] ?? build(target, buildArgs)
    if (!image) return 1
    named[variable] = image
  }
  // One file after the other: Lambda's emulator has but one port.
  const args = ['run', 'tests/image', '--no-file-parallelism']
  return spawnSync('vitest', args, { stdio: 'inherit', env: { ...process.env, ...named } }).status ?? 1
}

process.exitCode = main(process.argv.slice(2))
