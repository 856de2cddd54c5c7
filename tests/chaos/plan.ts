import { between, pick, type Random } from '../../infra/local/chaos/random.ts'

/** A submission. Its tags say how it must end; the checks read them (promises.ts). */
export interface PlannedJob {
  kind: string
  input: object
  /** Unique: two jobs of the same name mean that one was accepted twice. */
  name: string
  tags: string[]
  after?: string[]
  onParentFailure?: 'fail' | 'run' | 'skip'
  priority?: number
  delaySeconds?: number
  maxAttempts?: number
}

/** What one request submits. */
export interface Unit {
  jobs: PlannedJob[]
  /** The person cancels it this long after it was accepted. */
  cancelAfterMs?: number
  /** It fails for want of this device model; the person adds it then, and has the job retried. */
  forgottenModel?: string
}

/** What the jobs of one person can refer to. */
export interface Means {
  /** A device model that exists. */
  deviceModelCode: string
  /** A picture that was uploaded. */
  fileId: string
}

const NOBODYS_FILE = '00000000-0000-7000-8000-000000000000'
const NO_MODEL = '9998'
/** How many digits of π are checked. */
export const MOST_DIGITS = 20_000

const ends = (...states: string[]): string => `ends:${states.join('/')}`
const SUCCEEDS = [ends('succeeded')]
const failsWith = (code: string): string[] => [ends('failed'), `code:${code}`]

/** Makes requests with about this many jobs of all kinds and shapes, without end. */
export const createPlanner = (random: Random, means: Means) => {
  let named = 0
  let nextSerial = 0
  const chance = (probability: number): boolean => random() < probability
  const name = (): string => `job-${means.deviceModelCode}-${++named}`

  const noop = (input: object, more: Partial<PlannedJob> = {}): PlannedJob => ({
    kind: 'debug.noop',
    input,
    name: name(),
    tags: SUCCEEDS,
    ...(chance(0.2) && { priority: between(random, -10, 10) }),
    ...more,
  })

  /** Adjacent ranges, so that a missing or repeated number is noticed. */
  const serials = (): PlannedJob => {
    const count = between(random, 500, 9_500)
    const start = nextSerial
    nextSerial += count
    return {
      kind: 'serials.generate',
      input: { deviceModelCode: means.deviceModelCode, start, count },
      name: name(),
      tags: SUCCEEDS,
    }
  }

  const pi = (): PlannedJob => {
    const method = pick(random, ['leibniz', 'chudnovsky'] as const)
    const digits = between(random, 10, method === 'leibniz' ? 6_000 : MOST_DIGITS)
    return { kind: 'math.pi', input: { digits, method }, name: name(), tags: SUCCEEDS }
  }

  const image = (): PlannedJob => {
    const sizes = Array.from({ length: between(random, 1, 3) }, () => ({
      width: between(random, 20, 400),
      format: 'webp',
    }))
    // It reads from S3, which is killed too: each time that costs it an attempt.
    return {
      kind: 'image.resize',
      input: { fileId: means.fileId, sizes },
      name: name(),
      tags: SUCCEEDS,
      maxAttempts: 20,
    }
  }

  const failing = (): PlannedJob =>
    chance(0.5)
      ? {
          kind: 'image.resize',
          input: { fileId: NOBODYS_FILE, sizes: [{ width: 10, format: 'png' }] },
          name: name(),
          tags: failsWith('FILE_NOT_FOUND'),
        }
      : {
          kind: 'serials.generate',
          input: { deviceModelCode: NO_MODEL, start: 0, count: 10 },
          name: name(),
          tags: failsWith('DEVICE_MODEL_NOT_FOUND'),
        }

  const any = (): PlannedJob => {
    const drawn = random()
    if (drawn < 0.55) return noop({})
    if (drawn < 0.7) return noop({ steps: between(random, 1, 20), stepMs: between(random, 0, 50) })
    if (drawn < 0.8) return noop({ echo: { text: 'x'.repeat(between(random, 0, 2_000)), n: between(random, 0, 9) } })
    if (drawn < 0.85) return noop({ steps: between(random, 20, 40), stepMs: 100 })
    if (drawn < 0.87) return noop({ steps: between(random, 1_000, 20_000) })
    if (drawn < 0.94) return noop({}, { delaySeconds: between(random, 1, 12) })
    if (drawn < 0.96) return failing()
    if (drawn < 0.975) return serials()
    return drawn < 0.99 ? pi() : image()
  }

  const cancelled = (): Unit => {
    const tags = [ends('cancelled', 'succeeded')]
    const steps = pick(random, [5, 100])
    return { jobs: [noop({ steps, stepMs: 50 }, { tags })], cancelAfterMs: between(random, 0, 4_000) }
  }

  const chain = (): Unit => {
    const jobs: PlannedJob[] = []
    for (let length = between(random, 3, 8); length > 0; length--) {
      const before = jobs.at(-1)
      jobs.push(noop({ steps: between(random, 0, 3), stepMs: 10 }, before && { after: [`$${before.name}`] }))
    }
    return { jobs }
  }

  const chord = (): Unit => {
    const parents = Array.from({ length: between(random, 5, 40) }, any)
    const fails = parents.some((job) => !job.tags.includes(ends('succeeded')))
    const after = parents.map((job) => `$${job.name}`)
    return { jobs: [...parents, noop({}, { after, ...(fails && { tags: failsWith('PARENT_FAILED') }) })] }
  }

  const forgetful = (): Unit => {
    const deviceModelCode = `${means.deviceModelCode}-${named}`
    const input = { deviceModelCode, start: 0, count: between(random, 10, 6_000) }
    return {
      jobs: [{ kind: 'serials.generate', input, name: name(), tags: SUCCEEDS }],
      forgottenModel: deviceModelCode,
    }
  }

  /** A parent that fails, with a child for each way to react to that. */
  const family = (): Unit => {
    const parent = failing()
    const after = [`$${parent.name}`]
    const skipped = { tags: [ends('cancelled'), 'code:PARENT_FAILED'], onParentFailure: 'skip' as const }
    const lost = noop({}, { after, tags: failsWith('PARENT_FAILED') })
    return {
      jobs: [
        parent,
        lost,
        noop({}, { after, onParentFailure: 'run' }),
        noop({}, { after, ...skipped }),
        noop({}, { after: [`$${lost.name}`], tags: failsWith('PARENT_FAILED') }),
      ],
    }
  }

  return (): Unit => {
    const drawn = random()
    if (drawn < 0.45) return { jobs: [any()] }
    if (drawn < 0.65) return { jobs: Array.from({ length: between(random, 20, 200) }, any) }
    if (drawn < 0.8) return cancelled()
    if (drawn < 0.88) return chain()
    if (drawn < 0.94) return chord()
    return drawn < 0.97 ? family() : forgetful()
  }
}
