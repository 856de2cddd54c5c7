import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { RunningProcess } from '../../infra/local/supervisor/run-file.ts'
import { generateLoad } from '../load.ts'
import { BODY } from '../measures/body.ts'
import { measureBulk, measureDrain } from '../measures/bulk.ts'
import { measureLatency } from '../measures/latency.ts'
import { planOf } from '../rows.ts'
import { type MeasuredStack, startMeasuredStack } from '../stack.ts'
import { flameGraph } from './flame-graph.ts'
import type { CpuProfile } from './stacks.ts'
import { costliest } from './stacks.ts'

// `npm run bench:profile -- submit`: profiles the stack's processes while jobs are submitted (`submit`), submitted and
// run (`consume`), come one by one (`steady`), are submitted in bulk (`bulk`) or run (`drain`), or while there are none
// (`idle`), and leaves the profiles and flame graphs of them in `--out`.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string', default: mkdtempSync(join(tmpdir(), 'stint-profile-')) },
    jobs: { type: 'string', default: '30000' },
    seconds: { type: 'string', default: '5' },
  },
})
const [what = 'submit'] = positionals
const jobs = Number(values.jobs)

/** The work to profile, by name. */
const WORK: Record<string, (measured: MeasuredStack) => Promise<unknown>> = {
  submit: (measured) => load(measured),
  consume: (measured) => load(measured),
  idle: () => sleep(Number(values.seconds) * 1_000),
  steady: (measured) => measureLatency(measured, planOf(true).steady),
  bulk: (measured) => measureBulk(measured, jobs),
  drain: (measured) => measureDrain(measured, jobs),
}

const load = ({ port, token }: MeasuredStack) =>
  generateLoad({ ...planOf(true).load, port, token, body: BODY, durationMs: Number(values.seconds) * 1_000 })

const profiled = (measured: MeasuredStack) =>
  measured.stack.run().filter(({ name }) => /^(host|schedules|worker-.*)$/.test(name))

const signal = (processes: readonly RunningProcess[]): void => {
  for (const { pid } of processes) process.kill(pid, 'SIGUSR2')
}

const preload = (name: string) => `--import=${fileURLToPath(new URL(name, import.meta.url))}`
mkdirSync(values.out, { recursive: true })
const measured = await startMeasuredStack({
  BENCH_PROFILES: values.out,
  NODE_OPTIONS: [
    preload('../count-requests.mjs'),
    preload('./profiled-process.ts'),
    '--disable-warning=ExperimentalWarning',
  ].join(' '),
})
try {
  const work = WORK[what]
  if (!work) throw new Error(`nothing is called ${what}; there are ${Object.keys(WORK).join(', ')}`)
  await load(measured)
  await measured.idle()
  if (!['consume', 'steady', 'idle'].includes(what)) await measured.pause()
  if (what === 'drain') await measureBulk(measured, jobs)
  // Not those that are started meanwhile, such as a worker in reserve: the second signal would be their first.
  const processes = profiled(measured)
  signal(processes)
  console.log(await work(measured))
  signal(processes)
  for (const { name, pid } of processes) {
    const file = join(values.out, `${pid}.cpuprofile`)
    for (let waited = 0; !existsSync(file) && waited < 10_000; waited += 50) await sleep(50)
    await sleep(300)
    const profile = JSON.parse(readFileSync(file, 'utf8')) as CpuProfile
    const title = `${what}: ${name}`
    writeFileSync(join(values.out, `${what}-${name}.svg`), flameGraph(profile, title))
    console.log(`${title}\n${costliest(profile)}\n`)
  }
  console.log(`profiles and flame graphs: ${values.out}`)
} finally {
  await measured.stop()
}
process.exit(0)
