import { parseArgs } from 'node:util'
import { removeData, runChaos } from './chaos.ts'
import { killOne } from './kill-one.ts'
import { describeReport, isKept } from './report.ts'

// `npm run chaos`: checks whether Stint keeps its promises while its processes are killed.

const USAGE = `npm run chaos -- [options]

  --seed <n>       decides which jobs are submitted, and what breaks when; a random one, which is printed
  --jobs <n>       about how many jobs are submitted; 10000
  --seconds <n>    how long processes are killed; 120
  --lease <n>      a worker's lease in seconds; 60
  --switch         also loses doorbells and replies, and cuts stints (STINT_CHAOS)
  --keep           keeps the data folder even if every promise was kept
  --kill-one       another measurement: kills one worker while 2000 jobs of 20 ms are under way
`

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    jobs: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '120' },
    lease: { type: 'string', default: '60' },
    switch: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    'kill-one': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const say = (line: string): void => console.log(line)

const main = async (): Promise<boolean> => {
  if (values['kill-one']) return killOne(say)
  const seed = values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : Number(values.seed)
  const [jobs, seconds, leaseSeconds] = [Number(values.jobs), Number(values.seconds), Number(values.lease)]
  say(`Chaos with seed ${seed}: ${jobs} jobs in ${seconds} s, leases of ${leaseSeconds} s.\n`)
  const report = await runChaos({ seed, jobs, seconds, leaseSeconds, chaosSwitch: values.switch, say })
  say(`\n${describeReport(report, leaseSeconds)}`)
  if (values.keep) say(`The data folder is kept: ${report.dataDir}`)
  else if (isKept(report)) removeData(report)
  return isKept(report)
}

if (values.help) say(USAGE)
else process.exitCode = (await main()) ? 0 : 1
