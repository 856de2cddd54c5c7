import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Submits at a steady pace, one after the other, whether or not the earlier ones are answered.
 * @param submit gives the job's id
 * @returns when each job was sent, by its id, in milliseconds since 1970
 */
export const submitAtPace = async (
  submit: () => Promise<string>,
  perSecond: number,
  jobs: number,
): Promise<Map<string, number>> => {
  const sentAt = new Map<string, number>()
  const began = performance.now()
  const submissions = []
  for (let n = 0; n < jobs; n++) {
    await sleep(Math.max(0, began + (n * 1_000) / perSecond - performance.now()))
    const at = performance.timeOrigin + performance.now()
    submissions.push(submit().then((id) => sentAt.set(id, at)))
  }
  await Promise.all(submissions)
  return sentAt
}
