import { expect } from 'vitest'
import { debugNoop } from '../../functions/jobs/debug-noop.ts'
import { test } from '../../tests/support/world.ts'
import { submitGathered } from './gather.ts'
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
