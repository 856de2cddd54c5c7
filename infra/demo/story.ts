import { styleText } from 'node:util'
import type { CloudEvent } from '../../lib/events/cloud-event.ts'
import { percent } from '../cli/print.ts'
import type { Screen } from '../cli/screen.ts'

type Voice = 'POST' | 'kafka' | 'kill' | 'demo'
const COLOURS = { POST: 'cyan', kafka: 'magenta', kill: 'red', demo: 'blue' } as const

/** What happens, line by line, with the time since the beginning. */
export interface Story {
  seconds(): number
  title(text: string): void
  tell(voice: Voice, what: string, text: string): void
  /** Sets the name by which the job is called from now on. */
  name(jobId: string, name: string): void
  event(event: CloudEvent): void
}

export const createStory = (screen: Screen): Story => {
  const began = performance.now()
  const seconds = () => (performance.now() - began) / 1_000
  const tell: Story['tell'] = (voice, what, text) => {
    const time = styleText('dim', `${seconds().toFixed(1).padStart(5)} s`)
    const source = styleText(COLOURS[voice], voice.padEnd(5))
    const line = `${time} ${source} ${what.padEnd(15)} ${text}`
    screen.say(voice === 'kill' ? styleText('bold', line) : line)
  }
  const names = new Map<string, string>()
  /** An event can arrive before the answer with the job's id. */
  const nameless: CloudEvent[] = []
  const hear = (event: CloudEvent): void => {
    const name = names.get(event.subject)
    const text = describe(event)
    if (name === undefined) nameless.push(event)
    else if (text !== undefined) tell('kafka', name, `${event.type.padEnd(13)} ${text}`.trimEnd())
  }
  return {
    seconds,
    tell,
    title: (text) => screen.say(`\n${styleText('bold', text)}\n`),
    name: (jobId, name) => {
      names.set(jobId, name)
      for (const event of nameless.splice(0)) hear(event)
    },
    event: hear,
  }
}

/** An event in words; undefined for those that are only counted. */
const describe = ({ type, data }: CloudEvent): string | undefined => {
  const stint = `stint ${data['stint']}`
  const saved = `${percent(Number(data['progress']))} saved`
  if (type === 'job.progressed') return undefined
  if (type === 'job.started') {
    const worker = processOf(String(data['worker']))
    return data['resumed'] ? `${stint} resumes in ${worker}` : `${stint} in ${worker}`
  }
  if (type === 'job.continued' && data['reason'] === 'lease lost') {
    return `${stint} lost with worker; ${saved}`
  }
  if (type === 'job.continued') return `${stint} used its time; ${saved}`
  if (type === 'job.retried') {
    const { code } = data['error'] as { code: string }
    return `${stint}: ${code}; attempt ${data['attempt']}`
  }
  if (type === 'job.succeeded') return stint
  if (type === 'job.queued') return ''
  return JSON.stringify(data)
}

/** `worker-compute-1` of `worker-compute-1-<uuid>`: the process as run.json names it. */
export const processOf = (worker: string): string => worker.slice(0, -37)
