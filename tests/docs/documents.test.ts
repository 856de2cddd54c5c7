import { existsSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { parseEnv } from 'node:util'
import { describe, expect, test } from 'vitest'
import { jobEvent } from '../../functions/views/event.ts'
import { MAX_BODY_BYTES } from '../../lib/http/route.ts'
import { MAX_CHECKPOINT_BYTES, MAX_DATA_BYTES } from '../../lib/jobs/json.ts'
import { TRANSITIONS } from '../../lib/jobs/states.ts'
import { anchorsOf, blocksOf, documents, proseOf, read, root } from './markdown.ts'

describe.for(documents)('%s', (document) => {
  test('links to what is there', () => {
    const links = [...proseOf(document).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link)
    const local = links.filter((link) => !/^https?:/.test(link))
    const dead = local.filter((link) => {
      const [path = '', anchor] = link.split('#')
      const target = path === '' ? document : relative(root, join(root, dirname(document), path))
      if (!existsSync(join(root, target))) return true
      return anchor !== undefined && !anchorsOf(target).includes(anchor)
    })
    expect(dead).toEqual([])
  })

  test('names files and folders that are there', () => {
    const paths = [...proseOf(document).matchAll(/`((?:functions|lib|db|infra|tests|docs)\/[\w./-]*[\w/])`/g)]
    expect(paths.map(([, path = '']) => path).filter((path) => !existsSync(join(root, path)))).toEqual([])
  })

  test('names npm scripts that are there', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const named = [...read(document).matchAll(/\bnpm (?:run ([\w:-]+)|(start|test)\b)/g)]
    expect(named.map(([, run, short]) => run ?? short ?? '').filter((name) => !scripts[name])).toEqual([])
  })

  test('shows excerpts as they stand in their files', () => {
    for (const { file, text } of blocksOf(document)) {
      if (file) expect(read(file), file).toContain(text)
    }
  })
})

test('docs/events.md has each type of event, and all that its data may have', () => {
  const rows = new Map(
    [...proseOf('docs/events.md').matchAll(/^\| `(job\.\w+)` \|(.*)$/gm)].map(([, type = '', row = '']) => [type, row]),
  )
  const declared = jobEvent.options.map(({ shape }) => shape.type.value)
  expect([...rows.keys()].toSorted()).toEqual(declared.toSorted())
  for (const { shape } of jobEvent.options) {
    // `the same` is what the row above it has.
    const told = rows.get(shape.type.value)?.replace(/\| the same;/, rows.get('job.blocked') ?? '') ?? ''
    const missing = Object.keys(shape.data.shape).filter((name) => !told.includes(`\`${name}\``))
    expect(missing, shape.type.value).toEqual([])
  }
})

test.for(['README.md', 'docs/state-machine.md'])('the picture in %s shows the states as they are', (document) => {
  const [picture] = blocksOf(document).filter(({ language }) => language === 'mermaid')
  const arrows = [...(picture?.text ?? '').matchAll(/^ *(\[\*\]|\w+) --> (\[\*\]|\w+)/gm)].map(
    ([, from, to]) => `${from} → ${to}`,
  )
  const moves = Object.entries(TRANSITIONS).flatMap(([from, all]) => all.map((to) => `${from} → ${to}`))
  const first = ['[*] → queued', '[*] → blocked']
  // What leads nowhere is an end.
  const last = Object.entries(TRANSITIONS).flatMap(([from, all]) => (all.length === 0 ? [`${from} → [*]`] : []))
  expect(arrows.toSorted()).toEqual([...first, ...moves, ...last].toSorted())
})

test('the map in README.md names folders that are there, and none at the top is missing', () => {
  const [map] = blocksOf('README.md').filter(({ name }) => name === 'map')
  const mapped: string[] = []
  for (const line of map?.text.split('\n') ?? []) {
    const names =
      line
        .trim()
        .split('  ')[0]
        ?.match(/[\w-]+\//g) ?? []
    const parent = line.startsWith(' ') ? mapped.findLast((it) => it.indexOf('/') === it.length - 1) : ''
    mapped.push(...names.map((name) => `${parent}${name}`))
  }
  expect(mapped.filter((path) => !existsSync(join(root, path)))).toEqual([])
  const top = readdirSync(root, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() && !/^\.|^(node_modules|coverage)$/.test(entry.name) ? [`${entry.name}/`] : [],
  )
  expect(mapped).toEqual(expect.arrayContaining(top))
})

test('the configuration in README.md has the defaults of .env.example', () => {
  const rows = [...read('README.md').matchAll(/^\| `([A-Z_]+)` \| (?:`(.*?)`)?/gm)].map(
    ([, name = '', value = '']) => [name, value] as const,
  )
  const all = parseEnv(read('.env.example').replaceAll(/^#(?=[A-Z])/gm, ''))
  expect(rows.length).toBeGreaterThan(3)
  expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(rows.map(([name]) => [name, all[name]])))
})

test('the limits in README.md are those of the code', () => {
  const limits = read('README.md').split('## Limits')[1] ?? ''
  expect(limits).toContain(`file body: ${MAX_BODY_BYTES / 1_024 ** 2} MiB`)
  expect(limits).toContain(
    `${MAX_DATA_BYTES / 1_024} KiB each, as JSON; a checkpoint ${MAX_CHECKPOINT_BYTES / 1_024 ** 2} MiB`,
  )
})
