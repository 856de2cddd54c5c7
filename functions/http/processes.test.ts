import { describe, expect } from 'vitest'
import { fakeHost } from '../../tests/support/fake-host.ts'
import { call } from '../../tests/support/http-client.ts'
import { type Person, test, type World } from '../../tests/support/world.ts'

const asAdmin = async (world: World): Promise<Person> => {
  const ada = await world.register()
  await world.sql`UPDATE users SET is_admin = true WHERE id = ${ada.userId}`
  return ada
}

/** The admin's calls to an app that has a host. */
const setup = async (world: World) => {
  const { accessToken: token } = await asAdmin(world)
  const { host, asked } = fakeHost()
  const app = { ...world.app, host }
  return { asked, ask: (method: string, path: string) => call(app, method, `/system/processes${path}`, { token }) }
}

describe('the processes of the stage', () => {
  test('are shown to an admin, with what may be done with them', async ({ world }) => {
    const { ask } = await setup(world)
    const { body } = await ask('GET', '')
    expect(body.items).toMatchObject([
      { name: 'kafka', state: 'up', startedAt: '1970-01-01T00:00:00.000Z', restarts: 2 },
      { name: 'sqs-s3', state: 'stopped', pid: null, actions: ['start'] },
    ])
  })

  test('are stopped, started and restarted, and the audit log has it', async ({ world }) => {
    const { ask, asked } = await setup(world)
    for (const path of ['/kafka/restart', '/kafka/stop', '/sqs-s3/start']) {
      expect((await ask('POST', path)).status).toBe(202)
    }
    expect(asked).toEqual(['restart kafka', 'stop kafka', 'start sqs-s3'])
    const acts = await world.sql<{ action: string; target: string }[]>`
      SELECT action, target FROM audit_log WHERE project_id IS NULL ORDER BY id`
    expect(acts.map(({ action, target }) => `${action} ${target}`)).toEqual([
      'process.restart kafka',
      'process.stop kafka',
      'process.start sqs-s3',
    ])
  })

  test('do only what they can, and say what that is', async ({ world }) => {
    const { ask, asked } = await setup(world)
    const refused = await ask('POST', '/sqs-s3/stop')
    expect(refused).toMatchObject({ status: 409, body: { code: 'PROCESS_ACTION_REFUSED' } })
    expect(refused.body.detail).toBe('sqs-s3 is stopped and takes no stop; possible: start.')
    expect(await ask('POST', '/kafka/start')).toMatchObject({ status: 409 })
    expect(asked).toEqual([])
  })

  test('are those that there are: no other name, and no path', async ({ world }) => {
    const { ask, asked } = await setup(world)
    for (const name of [
      'redis',
      'host',
      '..%2F..%2Fetc%2Fpasswd',
      '..',
      'kafka%00',
      'kafka.log',
      'a'.repeat(65),
      'KAFKA',
    ]) {
      for (const path of [`/${name}/logs`, `/${name}/restart`]) {
        const answer = await ask(path.endsWith('logs') ? 'GET' : 'POST', path)
        expect(answer.status, path).toBe(404)
      }
    }
    expect(asked).toEqual([])
  })

  test('show the last lines of their logs', async ({ world }) => {
    const { ask } = await setup(world)
    expect((await ask('GET', '/kafka/logs?lines=7')).body).toEqual({ lines: ['7 of kafka'] })
    expect((await ask('GET', '/kafka/logs')).body).toEqual({ lines: ['100 of kafka'] })
    expect((await ask('GET', '/kafka/logs?lines=1000')).status).toBe(200)
    for (const lines of [0, 1_001]) expect((await ask('GET', `/kafka/logs?lines=${lines}`)).status).toBe(422)
  })
})

const ROUTES = [
  ['GET', ''],
  ['GET', '/kafka/logs'],
  ['POST', '/kafka/restart'],
  ['POST', '/kafka/stop'],
  ['POST', '/kafka/start'],
] as const

test('nobody but an admin sees or touches them, whatever there is', async ({ world }) => {
  const { accessToken: token } = await world.register()
  const { host, asked } = fakeHost()
  for (const app of [world.app, { ...world.app, host }]) {
    for (const [method, path] of ROUTES) {
      const answer = await call(app, method, `/system/processes${path}`, { token })
      expect(answer, path).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } })
    }
  }
  expect(asked).toEqual([])
})

test('where no process is run by Stint, as on AWS, that is what it says', async ({ world }) => {
  const { accessToken: token } = await asAdmin(world)
  for (const [method, path] of ROUTES) {
    const answer = await world.http(method, `/system/processes${path}`, { token })
    expect(answer, path).toMatchObject({ status: 409, body: { code: 'PROCESSES_UNMANAGED' } })
  }
})
