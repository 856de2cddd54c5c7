import { setTimeout as sleep } from 'node:timers/promises'

// A client that submits at a steady pace, in a process of its own, so that nothing else that the bench does meanwhile delays
// a submission.

export interface Pace {
  port: number
  /** Empty for systems that take none. */
  token: string
  body: string
  perSecond: number
  jobs: number
}

/** When each job was sent, by its id, in milliseconds since 1970. */
export type SentAt = [id: string, at: number][]

/** One after the other, whether or not the earlier ones are answered. */
const submitAtPace = async (pace: Pace): Promise<SentAt> => {
  const began = performance.now()
  const submissions: Promise<SentAt[number]>[] = []
  for (let n = 0; n < pace.jobs; n++) {
    await sleep(Math.max(0, began + (n * 1_000) / pace.perSecond - performance.now()))
    const at = performance.timeOrigin + performance.now()
    submissions.push(submit(pace).then((id) => [id, at]))
  }
  return Promise.all(submissions)
}

const submit = async ({ port, token, body }: Pace): Promise<string> => {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
  const answer = await fetch(`http://127.0.0.1:${port}/jobs`, { method: 'POST', headers, body })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`POST /jobs was answered with ${answer.status}: ${text.slice(0, 300)}`)
  return (JSON.parse(text) as { job: { id: string } }).job.id
}

process.on('message', async (pace: Pace) => process.send?.(await submitAtPace(pace)))
