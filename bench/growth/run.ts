import { parseArgs } from 'node:util'
import { machine, show } from '../report.ts'
import { startMeasuredStack } from '../stack.ts'
import { addHistory } from './history.ts'
import { type Grown, measureGrown } from './measure.ts'

// `npm run bench:growth`: whether anything slows down as jobs that have ended pile up. `-- --sizes 1000,1000000`.

const { values } = parseArgs({ options: { sizes: { type: 'string', default: '1000,100000,1000000,3000000' } } })
const sizes = values.sizes.split(',').map(Number)

interface Line {
  what: string
  pick: (it: Grown) => number
  digits: number
}

const LINES: Line[] = [
  { what: 'single submission over HTTP, CPU s per 1 000', pick: (it) => it.single, digits: 3 },
  { what: 'bulk, CPU s per 1 000', pick: (it) => it.bulk, digits: 3 },
  { what: 'drain, CPU s per 1 000', pick: (it) => it.drain, digits: 3 },
  { what: 'GET /jobs, a page of 50, ms', pick: (it) => it.listMs, digits: 2 },
  { what: 'GET /jobs of one state, a page of 10, ms', pick: (it) => it.stateListMs, digits: 2 },
  { what: 'GET /jobs of a tag that none has, ms', pick: (it) => it.tagListMs, digits: 2 },
  { what: 'a look of the sweep, ms', pick: (it) => it.sweepMs, digits: 2 },
  { what: 'jobs with their indexes, MB', pick: (it) => it.jobsMb, digits: 0 },
  { what: 'events with theirs, MB', pick: (it) => it.eventsMb, digits: 0 },
]

/** How much more the largest history takes than the smallest. */
const change = (line: Line, found: Grown[]): string => {
  const [least, most] = [found[0], found.at(-1)].map((it) => (it ? line.pick(it) : Number.NaN))
  const percent = Math.round(((most ?? 0) / (least ?? 0) - 1) * 100)
  return `${percent > 0 ? '+' : ''}${percent} %`
}

const measured = await startMeasuredStack()
try {
  // A process is slow at what it does for the first time.
  await measureGrown(measured)
  const found: Grown[] = []
  for (const size of sizes) {
    console.error(`${size} jobs that have ended`)
    await addHistory(measured, size)
    found.push(await measureGrown(measured))
    console.error(JSON.stringify(found.at(-1)))
  }
  const cells = (line: Line) => found.map((it) => show(line.pick(it), line.digits)).join(' | ')
  console.log(
    [
      machine(),
      '',
      `| jobs that have ended | ${sizes.map((size) => show(size, 0)).join(' | ')} | change |`,
      `|---|${'--:|'.repeat(sizes.length + 1)}`,
      ...LINES.map((line) => `| ${line.what} | ${cells(line)} | ${change(line, found)} |`),
    ].join('\n'),
  )
} finally {
  await measured.stop()
}
process.exit(0)
