import { parseArgs } from 'node:util'
import { comparison, inShort, type Repetition } from './comparison.ts'
import { measureStint } from './measure-stint.ts'
import { measurePeer } from './peers/measure.ts'
import { PEERS } from './peers/peer.ts'
import { whyNot } from './peers/services.ts'
import { publish } from './publish.ts'
import { report } from './report.ts'
import { planOf } from './rows.ts'

// `npm run bench`: the embedded stack as `npm start` runs it, and what people would use instead, side by side.
// `-- --quick` for a short look, `-- --only latency,drain` for a part (then without peers), `-- --systems stint,bullmq`,
// `-- --repetitions 5`, `-- --publish` to put the tables into README.md and docs/performance.md.

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    systems: { type: 'string' },
    repetitions: { type: 'string' },
    json: { type: 'boolean', default: false },
    publish: { type: 'boolean', default: false },
  },
})

const ALL = 'idle,live,latency,single,consuming,bulk,drain,recovery'
const only = new Set((values.only ?? ALL).split(','))
const systems = (values.systems ?? (values.only ? 'stint' : ['stint', ...PEERS].join(','))).split(',')
const plan = planOf(values.quick)
const repetitions = Number(values.repetitions ?? (values.quick ? 1 : 3))

const reasons = new Map<string, string>()
for (const name of systems) {
  const reason = name === 'stint' ? undefined : whyNot(name)
  if (!reason) continue
  reasons.set(name, reason)
  console.error(`${name} is left out: ${reason}`)
}

/** Interleaved: each repetition measures all systems in turn, so that all meet the machine in the same states. */
const all: Repetition[] = []
for (let n = 1; n <= repetitions; n++) {
  const repetition: Repetition = { peers: {} }
  for (const name of systems) {
    if (reasons.has(name)) continue
    console.error(`repetition ${n} of ${repetitions}: ${name}`)
    try {
      if (name === 'stint') repetition.stint = await measureStint(plan, only)
      else repetition.peers[name] = await measurePeer(name, plan)
      console.error(JSON.stringify(repetition.peers[name] ?? repetition.stint))
    } catch (error) {
      console.error(error)
      reasons.set(name, String(error).split('\n')[0] ?? '')
    }
  }
  all.push(repetition)
}
const sideBySide = comparison(all, systems, reasons, plan)
const alone = report(all.flatMap(({ stint }) => stint ?? []))
console.log(values.json ? JSON.stringify(all) : [sideBySide, alone].join('\n\n'))
if (values.publish) {
  publish('bench', sideBySide)
  publish('bench in short', inShort(all, systems))
  publish('bench of Stint', alone)
}
process.exit(0)
