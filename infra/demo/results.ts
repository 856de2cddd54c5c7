import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { styleText } from 'node:util'
import type { Screen } from '../cli/screen.ts'
import type { Killed } from './kill.ts'
import type { Listener } from './listener.ts'
import { type Person, stintsOf } from './person.ts'
import { DIGITS, grouped, type Ids, SERIALS } from './submit.ts'

/** The ten digits before the hundred thousandth and that one, as published. */
const LAST_TEN = '5493624646'
const PATIENCE_MS = 20_000

class WrongResultError extends Error {
  override readonly name = 'WrongResultError'
}

const demand = (holds: boolean, what: string): void => {
  if (!holds) throw new WrongResultError(what)
}

interface PiResult {
  digits: string
}

const resultOf = async <Result>({ client }: Person, jobId: string): Promise<Result> =>
  (await client.call('GET /jobs/{jobId}', { params: { jobId } })).job.result as Result

/** Fetches what was made, checks it, stores it in `folder`, and shows it. @throws {WrongResultError} */
export const showResults = async (
  screen: Screen,
  given: { ada: Person; ids: Ids; folder: string; killed: Killed },
): Promise<void> => {
  await showPi(screen, given)
  await showSerials(screen, given)
  await showPictures(screen, given)
}

type Given = Parameters<typeof showResults>[1]

const showPi = async (screen: Screen, { ada, ids, folder, killed }: Given): Promise<void> => {
  const { digits } = await resultOf<PiResult>(ada, ids.leibniz)
  const other = await resultOf<PiResult>(ada, ids.chudnovsky)
  demand(digits.length === DIGITS + 2, `π has ${digits.length - 2} digits instead of ${DIGITS}`)
  demand(digits.endsWith(LAST_TEN), `π ends with ${digits.slice(-10)} instead of ${LAST_TEN}`)
  demand(digits === other.digits, 'the two series for π come to different digits')
  demand(digits.startsWith(killed.digits), 'the digits from before the kill are not those of the result')
  const stints = await stintsOf(ada, ids.leibniz)
  const outcomes = stints.map(({ outcome }) => outcome)
  demand(outcomes.includes('continued'), 'π was computed in one stint')
  const [hit, next] = stints.slice(killed.stint - 1)
  demand(hit?.outcome === 'crashed', `the stint that was killed is ${hit?.outcome}`)
  demand(next?.attempt === hit?.attempt, 'the kill cost an attempt')

  await writeFile(join(folder, 'pi.txt'), `${digits}\n`)
  fact(screen, 'π', `pi.txt: ${digits.slice(0, 32)}…${digits.slice(-10)}`)
  right(screen, `the digits ${grouped(DIGITS - 9)} to ${grouped(DIGITS)} are ${LAST_TEN}, as published`)
  right(screen, `Chudnovsky's series comes to the same ${grouped(DIGITS)} digits`)
  right(screen, `${stints.length} stints: ${summary(outcomes)}`)
}

const showSerials = async (screen: Screen, { ada, ids, folder }: Given): Promise<void> => {
  const of = { params: { modelId: ids.deviceModel } }
  const serials = await Array.fromAsync(ada.client.each('GET /device-models/{modelId}/serial-numbers', of))
  const [first, last] = [serials[0]?.serial, serials.at(-1)?.serial]
  demand(serials.length === SERIALS, `there are ${serials.length} serial numbers instead of ${SERIALS}`)
  demand(
    serials.every(({ number }, index) => number === index + 1),
    'the serial numbers have a gap or a duplicate',
  )
  await writeFile(join(folder, 'serials.txt'), serials.map(({ serial }) => `${serial}\n`).join(''))
  fact(screen, 'serial numbers', `serials.txt: ${first} to ${last}`)
  right(screen, `${grouped(SERIALS)} of them, without a gap or a duplicate`)
}

const showPictures = async (screen: Screen, { ada, ids, folder }: Given): Promise<void> => {
  const { images } = await resultOf<{ images: Image[] }>(ada, ids.pictures)
  for (const [index, { fileId, width, height, format, sizeBytes }] of images.entries()) {
    const name = `julia-${width}x${height}.${format}`
    const file = await ada.client.response('GET /files/{fileId}', { params: { fileId } })
    await writeFile(join(folder, name), await file.bytes())
    fact(screen, index === 0 ? 'three pictures' : '', `${name}: ${Math.round(sizeBytes / 1_024)} KiB`)
  }
}

interface Image {
  fileId: string
  width: number
  height: number
  format: string
  sizeBytes: number
}

/** Waits until the consumer has every event there is. @throws {WrongResultError} for one that is missing, or out of order */
export const waitForEvents = async (listener: Listener, ada: Person, jobIds: Iterable<string>): Promise<void> => {
  const deadline = performance.now() + PATIENCE_MS
  for (const id of jobIds) {
    const events = await Array.fromAsync(ada.client.each('GET /jobs/{jobId}/events', { params: { jobId: id } }))
    const last = events.at(-1)?.seq ?? 0
    while (listener.seqsOf(id).length < last && performance.now() < deadline) await sleep(50)
    const seqs = listener.seqsOf(id)
    demand(seqs.length === last, `Kafka gave ${seqs.length} of ${last} events of job ${id}`)
    const inOrder = seqs.every((seq, index) => seq === index + 1)
    demand(inOrder, `the events of job ${id} came in another order: ${seqs}`)
  }
}

export const showEvents = (screen: Screen, listener: Listener): void => {
  const { events, progressed, twice } = listener.count()
  fact(screen, 'Kafka', `${events} events, ${progressed} of them job.progressed; ${twice} came twice`)
  right(screen, 'per job in order, and none is missing')
}

export const fact = (screen: Screen, name: string, text: string): void => screen.say(`  ${name.padEnd(15)} ${text}`)

const right = (screen: Screen, text: string): void => fact(screen, '', `${styleText('green', '✓')} ${text}`)

/** `2 continued, 1 crashed, 1 continued, 1 succeeded`, in their order. */
const summary = (outcomes: readonly (string | null)[]): string => {
  const runs: { outcome: string | null; n: number }[] = []
  for (const outcome of outcomes) {
    const last = runs.at(-1)
    if (last?.outcome === outcome) last.n++
    else runs.push({ outcome, n: 1 })
  }
  return runs.map(({ outcome, n }) => `${n} ${outcome}`).join(', ')
}
