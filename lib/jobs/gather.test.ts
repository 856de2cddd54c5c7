import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test as plainTest } from 'vitest'
import { debugNoop } from '../../functions/jobs/debug-noop.ts'
import { test } from '../../tests/support/world.ts'
import { Gatherer, submitGathered } from './gather.ts'
import { prepare } from './prepare.ts'

const owner = { projectId: '00000000-0000-7000-8000-000000000001', createdBy: null }

test('when the disk is full, submissions that came together fail together: tried in halves, they would be asked for twice as often', async ({
  world: { app, sql },
}) => {
  await sql`CREATE SEQUENCE tries`
  await sql`
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN PERFORM nextval('tries'); RAISE 'could not extend file' USING ERRCODE = 'disk_full'; END$$`
  await sql`CREATE TRIGGER refuse BEFORE INSERT ON jobs FOR EACH STATEMENT EXECUTE FUNCTION refuse()`
  const some = Array.from({ length: 16 }, () => prepare([debugNoop], { kind: 'debug.noop', input: {} }, owner))
  const answers = await Promise.allSettled(some.map((it) => submitGathered(app, it)))
  expect(answers.map((it) => it.status === 'rejected' && it.reason.code)).toEqual(some.map(() => '53100'))
  expect(await sql`SELECT last_value FROM tries`).toEqual([{ lastValue: 1 }])
})

plainTest('submissions of turns that follow each other share an insert, and an empty turn ends the wait', async () => {
  const groups: number[] = []
  const gatherer = new Gatherer({
    store: async (prepared) => {
      groups.push(prepared.length)
      return prepared.map(({ row }) => ({ jobId: row.id, outcome: 'made' }))
    },
    most: 1_000,
    underWay: 2,
    concernsAll: () => true,
  })
  const inTurns = async (count: number) => {
    const answers = []
    for (let n = 0; n < count; n++) {
      answers.push(gatherer.add(prepare([debugNoop], { kind: 'debug.noop', input: {} }, owner)))
      await nextTurn()
    }
    return Promise.all(answers)
  }
  await inTurns(5)
  await inTurns(1)
  expect(groups).toEqual([5, 1])
  await inTurns(100)
  expect(groups.length, 'nobody waits for ever').toBeGreaterThan(5)
})
