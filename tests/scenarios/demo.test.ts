import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connects } from '../../infra/local/components/reachable.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { demo: string } }

interface Run {
  child: ChildProcess
  /** What was printed so far. */
  printed: () => string
  /** The exit code. */
  ended: Promise<number | null>
}

/** What `npm run demo` runs, without a terminal. */
const startDemo = (): Run => {
  const path = [join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter)
  const env = { ...process.env, PATH: path, NO_COLOR: '1', FORCE_COLOR: undefined }
  // The script begins with exec: the process that gets a signal is the demo, not a shell.
  const child = spawn(scripts.demo, { cwd: root, env, shell: true, stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (printed += text))
  }
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  return { child, printed: () => printed, ended }
}

/** The ports that the demo names as those of its stack. */
const portsIn = (printed: string): number[] =>
  [...printed.matchAll(/✓ [\w-]+ +(?:http:\/\/)?(?:localhost|127\.0\.0\.1):(\d+)/g)].map(([, port]) => Number(port))

const listening = async (ports: number[]): Promise<boolean[]> =>
  Promise.all(ports.map((port) => connects('127.0.0.1', port)))

describe('npm run demo', () => {
  let exitCode: number | null
  let printed: string
  let folder: string

  beforeAll(async () => {
    const run = startDemo()
    exitCode = await run.ended
    printed = run.printed()
    folder = /^Results, in (\S+)/m.exec(printed)?.[1] ?? ''
  }, 300_000)

  afterAll(() => {
    if (folder) rmSync(folder, { recursive: true, force: true })
  })

  test('ends well', () => {
    expect(exitCode, printed).toBe(0)
    expect(printed.match(/ 100 % succeeded /g)).toHaveLength(4)
  })

  test('shows a job that goes on in the next function call', () => {
    expect(printed).toMatch(/kafka +π by Leibniz +job\.continued +stint \d+ used its time; \d+ % saved/)
  })

  test('kills the worker of a job, which resumes from its checkpoint in another process', () => {
    // A stint may end just before its worker is killed: then the demo kills the next one.
    const kills = [...printed.matchAll(/kill +(worker-compute-\d+) +SIGKILL to process \d+ in stint (\d+);/g)]
    const [, worker, stint] = kills.at(-1) ?? []
    expect(worker).toBeDefined()
    expect(printed).toContain(`stint ${stint} lost with worker; `)
    expect(printed).toMatch(new RegExp(`job\\.started +stint ${Number(stint) + 1} resumes in worker-compute-\\d`))
    expect(printed).toMatch(/✓ \d+ stints: .*\d+ continued, .*\d+ crashed, .*1 succeeded/)
  })

  test('computes π right', () => {
    expect(printed).toContain('✓ the digits 99 991 to 100 000 are 5493624646, as published')
    expect(printed).toContain('✓ Chudnovsky')
    expect(readFileSync(join(folder, 'pi.txt'), 'utf8')).toMatch(/^3\.14159265358979\d{99976}5493624646\n$/)
  })

  test('leaves what was made, and no data of the stack', async () => {
    const files = ['julia-1920x1280.jpeg', 'julia-200x200.png', 'julia-800x800.webp', 'pi.txt', 'serials.txt']
    expect(readdirSync(folder).toSorted()).toEqual(files)
    const serials = readFileSync(join(folder, 'serials.txt'), 'utf8').trim().split('\n')
    expect([serials.length, serials[0], serials.at(-1)]).toEqual([10_000, '0111-00000001-88', '0111-00010000-64'])
    const { width, height } = await sharp(join(folder, 'julia-1920x1280.jpeg')).metadata()
    expect([width, height]).toEqual([1_920, 1_280])
  })

  test('hears of everything from Kafka', () => {
    expect(printed).toMatch(/Kafka +\d+ events, \d+ of them job\.progressed/)
    expect(printed).toContain('✓ per job in order, and none is missing')
  })

  test('leaves nothing running', async () => {
    const ports = portsIn(printed)
    expect(ports).toHaveLength(4)
    expect(await listening(ports)).toEqual([false, false, false, false])
  })

  test('is what the README shows', () => {
    const lines = new Set(printed.split('\n').map(shapeOf))
    const shown = /<!-- demo -->\n```\n(.*?)\n```/s.exec(readFileSync(join(root, 'README.md'), 'utf8'))?.[1] ?? ''
    const shapes = shown.split('\n').map(shapeOf)
    expect(shapes.length).toBeGreaterThan(20)
    // How the jobs' stints fall depends on how busy the machine is; what is said around them doesn't.
    const steady = shapes.filter((shape) => shape !== '⋮' && !/BAR|s (kafka|kill|demo) /.test(shape))
    expect(steady.length).toBeGreaterThan(10)
    expect(steady.filter((shape) => !lines.has(shape))).toEqual([])
  })
})

/** A line without what differs from run to run: numbers, the folder's name, how many stints there were, widths. */
const shapeOf = (line: string): string =>
  line
    .replaceAll(/\S*stint-demo-\w+/g, 'FOLDER')
    .replaceAll(/ada-\w+@/g, 'ada@')
    .replace(/\d+ stints: .*/, 'STINTS')
    .replaceAll(/[█▏▎▍▌▋▊▉·]+/g, 'BAR')
    .replaceAll(/\d+(?:\.\d+)?/g, '#')
    .replaceAll(/ +/g, ' ')
    .trim()

test('npm run demo that is interrupted stops everything, and takes its folder away', async () => {
  const run = startDemo()
  await expect.poll(run.printed, { timeout: 120_000, interval: 50 }).toContain('job.started')
  const ports = portsIn(run.printed())
  expect(await listening(ports)).toEqual([true, true, true, true])
  run.child.kill('SIGINT')
  expect(await run.ended, run.printed()).toBe(130)
  expect(await listening(ports)).toEqual([false, false, false, false])
  expect(run.printed()).not.toContain('failed')
}, 180_000)
