import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { calculate, type Line, type Load, sum } from './calculate.ts'
import { readDeployed } from './deployed.ts'
import { readMeasured } from './measured.ts'
import { PRICES_AS_OF } from './prices.ts'

// `npm run cost -- --jobs-per-day 100000 --seconds 2`: what a stage on AWS costs, by what `npm run cost:measure` found.

const USAGE = `usage: npm run cost -- [options]
  --jobs-per-day N   100000
  --seconds N        how long a job works; 0, it does nothing
  --queue NAME       default, compute or bulk
  --at-once N        jobs that a worker runs at the same time; 1
  --batches          they come by the thousand, and not one by one`

const QUEUES: readonly string[] = ['default', 'compute', 'bulk'] satisfies Load['queue'][]

export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** @throws {UsageError} that names the option and what was expected */
export const readLoad = (args: string[]): Load => {
  const options = {
    'jobs-per-day': { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '0' },
    queue: { type: 'string', default: 'default' },
    'at-once': { type: 'string', default: '1' },
    batches: { type: 'boolean', default: false },
  } as const
  const values = parse(args, options)
  const number = (name: 'jobs-per-day' | 'seconds' | 'at-once', least: number): number => {
    const value = Number(values[name])
    if (values[name].trim() === '' || !Number.isFinite(value) || value < least)
      throw new UsageError(`--${name} ${values[name]}: expected a number of at least ${least}`)
    return value
  }
  if (!QUEUES.includes(values.queue)) throw new UsageError(`--queue ${values.queue}: expected ${QUEUES.join(', ')}`)
  return {
    jobsPerDay: number('jobs-per-day', 0),
    seconds: number('seconds', 0),
    queue: values.queue as Load['queue'],
    atOnce: number('at-once', 1),
    batches: values.batches,
  }
}

const parse = <Options extends NonNullable<Parameters<typeof parseArgs>[0]>['options']>(
  args: string[],
  options: Options,
) => {
  try {
    return parseArgs({ args, options }).values
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** The bill as Markdown. */
export const describeCost = (load: Load): string => {
  const { fixed, perMillion, perMonth } = calculate(load, readMeasured(), readDeployed())
  return [
    table('fixed, a month', fixed),
    table(
      `a million jobs${load.seconds > 0 ? ` of ${load.seconds} s` : ''}${load.batches ? ', in batches' : ''}`,
      perMillion,
    ),
    `${load.jobsPerDay.toLocaleString('en')} jobs a day: $${perMonth.toFixed(0)} a month (${PRICES_AS_OF}).`,
  ].join('\n\n')
}

const table = (title: string, lines: readonly Line[]): string =>
  [
    `| ${title} | $ |`,
    '|---|--:|',
    ...lines.map(({ what, usd }) => `| ${what} | ${usd.toFixed(2)} |`),
    `| **together** | **${sum(lines).toFixed(2)}** |`,
  ].join('\n')

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    console.log(describeCost(readLoad(process.argv.slice(2))))
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\n\n${USAGE}`)
    process.exitCode = 2
  }
}
