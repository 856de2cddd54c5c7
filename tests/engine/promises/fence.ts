import { isDeepStrictEqual } from 'node:util'
import { type JobEvidence, livesOf } from '../evidence.ts'
import type { StintEntry } from '../journal.ts'
import { LIMITS } from '../scripted.ts'
import { mostAtOnce, ofEachJob, type Promised, type Stretch } from './known.ts'

/** What is promised to a job's code: it runs in one place at a time, and what it wrote stays and is all there is. */
export const fence: Record<string, Promised> = {
  'a stint runs once, in the process that claimed it': ofEachJob(function* (job, { journal }) {
    const entries = journal.of(job.id)
    for (const [index, entry] of entries.entries()) {
      if (entries[index + 1]?.stint === entry.stint) yield `stint ${entry.stint} ran twice`
      const worker = startOf(job, entry.stint)?.data['worker']
      if (worker !== entry.process) yield `stint ${entry.stint} ran in ${entry.process} and was claimed by ${worker}`
    }
  }),

  'the result is what the last stint returned': ofEachJob(function* (job, { journal }) {
    if (job.state !== 'succeeded') {
      if (job.result !== null) yield `it is ${job.state} and has a result`
      return
    }
    const expected = { points: job.input.points, stint: job.stint }
    if (!isDeepStrictEqual(job.result, expected)) yield `its result is ${JSON.stringify(job.result)}`
    if (journal.of(job.id).at(-1)?.ending !== 'returned') yield 'its last stint never returned'
    if (job.checkpoint !== null || job.partial !== null) yield 'it succeeded and kept its checkpoint or partial result'
  }),

  'a stint whose code returned is a success, if it was not lost': ofEachJob(function* (job, { journal }) {
    for (const entry of journal.of(job.id)) {
      const outcome = outcomeOf(job, entry)
      if (entry.ending !== 'returned' || entry.aborted || outcome === 'succeeded' || outcome === 'crashed') continue
      yield `stint ${entry.stint} returned, and is ${outcome}`
    }
  }),

  'a stint goes on from a checkpoint that a stint before it saved, and never from an earlier one': ofEachJob(function* (
    job,
    { journal, model },
  ) {
    if (model.wasAsked('retry from the start', job.id)) return
    const entries = journal.of(job.id)
    for (const [index, { stint, from }] of entries.entries()) {
      const earlier = entries.slice(0, index)
      const saver = earlier.find((it) => it.stint === from?.by)
      if (from && (!saver || saver.checkpointed < from.at))
        yield `stint ${stint} got a checkpoint that stint ${from.by} never made`
      const reached = Math.max(0, ...earlier.map((it) => Math.max(it.from?.at ?? 0, it.durable, savedAtEnd(job, it))))
      if ((from?.at ?? 0) < reached) yield `stint ${stint} began at ${from?.at ?? 0}, but ${reached} was saved`
    }
  }),

  'what a job wrote in fenced transactions was written by the stint that held it, each number once': ofEachJob(
    function* (job, { model }) {
      const { numbers } = job
      for (const { stint, number, held } of numbers)
        if (!held) yield `stint ${stint} wrote ${number} from behind the fence`
      if (numbers.some((it, index) => it.stint < (numbers[index - 1]?.stint ?? 0))) {
        yield `its stints wrote in the order ${numbers.map((it) => it.stint)}`
      }
      const script = model.originOf(job.id)?.spec.script
      const count = job.state === 'succeeded' && script?.numbers ? script.points : numbers.length
      const expected = Array.from({ length: count }, (_, index) => index + 1).join()
      if (numbers.map((it) => it.number).join() !== expected)
        yield `it wrote ${numbers.map((it) => it.number)}, not ${expected}`
    },
  ),

  'of a stint that ended in its process, every line is there, once': ofEachJob(function* (job, { journal }) {
    for (const entry of journal.of(job.id)) {
      const lines = job.lines.filter((it) => it.stint === entry.stint).map((it) => it.message)
      if (lines.some((line, index) => line !== entry.lines[index])) yield `stint ${entry.stint} has the lines ${lines}`
      const outcome = outcomeOf(job, entry)
      if (outcome === 'crashed' || entry.aborted || entry.late) continue
      if (lines.length < entry.lines.length)
        yield `${lines.length} of the ${entry.lines.length} lines of stint ${entry.stint} are there`
    }
  }),

  *'no more jobs of a limited kind run than its limits allow'({ evidence, model }) {
    const runs = evidence.jobs
      .filter((job) => job.kind === 'scripted.limited')
      .flatMap((job) => runsOf(job).map((run) => ({ ...run, key: model.originOf(job.id)?.spec.script.key })))
    if (mostAtOnce(runs) > LIMITS.running) yield `${mostAtOnce(runs)} ran at once`
    for (const [key, ofKey] of Map.groupBy(runs, (it) => it.key)) {
      if (mostAtOnce(ofKey) > LIMITS.runningPerKey) yield `${mostAtOnce(ofKey)} of the key ${key} ran at once`
    }
  },

  *'a job that lost two leases in a row without progress runs alone'({ evidence }) {
    const runs = evidence.jobs.flatMap((job) => runsOf(job).map((run) => ({ ...run, job })))
    for (const suspect of runs) {
      if (!isSuspect(suspect.job, suspect.stint)) continue
      const mates = runs.filter(
        (it) =>
          it.worker === suspect.worker &&
          it.job !== suspect.job &&
          it.from < suspect.to &&
          it.to > suspect.from &&
          !it.fencedOff,
      )
      if (mates.length > 0)
        yield `job ${suspect.job.id.slice(-4)} ran beside ${mates.length} others in ${suspect.worker}`
    }
  },
}

const startOf = (job: JobEvidence, stint: number) =>
  job.events.find((it) => it.type === 'job.started' && it.data['stint'] === stint)

const outcomeOf = (job: JobEvidence, { stint }: StintEntry) => job.stints.find((it) => it.stint === stint)?.outcome

/** A stint that stopped at a safe point, or threw, saved the latest one with its end. */
const savedAtEnd = (job: JobEvidence, entry: StintEntry): number =>
  ['continued', 'retried', 'postponed'].includes(outcomeOf(job, entry) ?? '') ? entry.undisturbed : 0

/**
 * Every stint's time in `running`, in numbers of events. The code of one that was fenced off may have ended long before:
 * its worker hears by a heartbeat that a cancelled job's lease is over, and the sweep may give it one more after an outage.
 */
const runsOf = (job: JobEvidence): (Stretch & { stint: number; worker: unknown; fencedOff: boolean })[] =>
  job.events
    .filter((it) => it.type === 'job.started')
    .map(({ id, seq, data }) => {
      const end = job.events.find((it) => it.seq > seq && !['job.progressed', 'job.cancelling'].includes(it.type))
      return {
        from: id,
        to: end?.id ?? Number.POSITIVE_INFINITY,
        stint: Number(data['stint']),
        worker: data['worker'],
        fencedOff: end?.data['stopped'] === 'fenced off',
      }
    })

/** Only the clear case: the two stints before it were lost, and passed no safe point. */
const isSuspect = (job: JobEvidence, stint: number): boolean => {
  const life = livesOf(job).find(({ stints }) => stints.some((it) => it.stint === stint))
  const before = life?.stints.filter((it) => it.stint < stint).slice(-2) ?? []
  if (before.length < 2 || before.some((it) => it.outcome !== 'crashed')) return false
  return !job.events.some((it) => it.type === 'job.progressed' && Number(it.data['stint']) >= stint - 2)
}
