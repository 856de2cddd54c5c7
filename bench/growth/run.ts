import { parseArgs } from 'node:util'
import { machine, show } from '../report.ts'
import { startMeasuredStack } from '../stack.ts'
import { addHistory } from './history.ts'
import { type Grown, measureGrown } from './measure.ts'

// `node bench/growth/run.ts`: whether anything slows down as jobs that have ended pile up. `--sizes 1000,1000000`.

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
  { what: 'GET /jobs of one state, ms', pick: (it) => it.filteredListMs, digits: 2 },
  { what: 'a look of the sweep, ms', pick: (it) => it.sweepMs, digits: 2 },
  { what: 'jobs with their indexes, MB', pick: (it) => it.jobsMb, digits: 0 },
  { what: 'events with theirs, MB', pick: (it) => it.eventsMb, digits: 0 },
]

const measured = await startMeasuredStack()
try {
  // What a process does for the first time it does slowly.
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
      `| jobs that have ended | ${sizes.map((size) => show(size, 0)).join(' | ')} |`,
      `|---|${'--:|'.repeat(sizes.length)}`,
      ...LINES.map((line) => `| ${line.what} | ${cells(line)} |`),
    ].join('\n'),
  )
} finally {
  await measured.stop()
}
process.exit(0)
