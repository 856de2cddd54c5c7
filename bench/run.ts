import { parseArgs } from 'node:util'
import { measureBulk, measureDrain } from './measures/bulk.ts'
import { measureLatency } from './measures/latency.ts'
import { measureRecovery } from './measures/recovery.ts'
import { measureSingle } from './measures/single.ts'
import { type Measured, report } from './report.ts'
import { startMeasuredStack } from './stack.ts'

// `npm run bench`: the embedded stack as `npm start` runs it, measured. `-- --quick` for a short look,
// `-- --only latency,drain` for a part, `-- --repetitions 5`.

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', default: 'latency,single,consuming,bulk,drain,recovery' },
    repetitions: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
})

const quick = values.quick
const only = new Set(values.only.split(','))
const repetitions = Number(values.repetitions ?? (quick ? 1 : 3))
const bulkJobs = quick ? 20_000 : 100_000
const load = quick ? { warmUpMs: 1_000, durationMs: 3_000 } : { warmUpMs: 3_000, durationMs: 10_000 }
const steady = quick ? { perSecond: 50, warmUp: 100, jobs: 250 } : { perSecond: 50, warmUp: 250, jobs: 1_000 }

/** One repetition: all measures on one fresh stack, so that the later ones meet what the earlier ones left. */
const repetition = async (): Promise<Measured> => {
  const measured = await startMeasuredStack()
  const result: Measured = {}
  try {
    if (only.has('latency')) result.latency = await measureLatency(measured, steady)
    if (only.has('consuming')) result.consuming = await measureSingle(measured, load)
    await measured.idle()
    await measured.pause()
    if (only.has('single')) {
      result.single = await measureSingle(measured, load)
      await measured.release(result.single.backlog)
      await measured.idle()
      await measured.pause()
    }
    if (only.has('bulk') || only.has('drain')) {
      result.bulk = await measureBulk(measured, bulkJobs)
      result.drain = await measureDrain(measured, bulkJobs)
    }
    if (only.has('recovery')) result.recovery = await measureRecovery(measured, 2_000)
    return result
  } finally {
    await measured.stop()
  }
}

const results: Measured[] = []
for (let n = 1; n <= repetitions; n++) {
  console.error(`repetition ${n} of ${repetitions}`)
  const result = await repetition()
  console.error(JSON.stringify(result))
  results.push(result)
}
console.log(values.json ? JSON.stringify(results) : report(results))
