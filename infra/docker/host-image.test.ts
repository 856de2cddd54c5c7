import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What docker-compose.yml starts in the image `host`, and what docs/containers.md has people type there. */
const STARTED = ['infra/docker/prepare.ts', 'infra/docker/serve.ts', 'infra/db/migrate.ts', 'infra/cli/stint.ts']

/** The folders and files of ours that the last stage of the Dockerfile takes over. */
const copied = (): string[] => {
  const [, host = ''] = readFileSync(`${root}infra/docker/Dockerfile`, 'utf8').split(/^FROM \S+ AS host$/m)
  return [...host.matchAll(/^COPY (?:--from=\S+ )?(.+) \S+$/gm)].flatMap(([, from = '']) =>
    from.split(' ').map((path) => path.replace('/app/', '')),
  )
}

test.for(STARTED)('the image `host` has all that %s imports', async (entry) => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    outdir: 'out',
  })
  const there = copied()
  const missing = Object.keys(metafile.inputs).filter(
    (file) =>
      !there.some((path) => file === path || file.startsWith(`${path}/`)) || file.startsWith('functions/dashboard/ui/'),
  )
  expect(missing).toEqual([])
})
