import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, vi } from 'vitest'
import { mountHttp } from '../../infra/local/host/functions.ts'
import { readRoutingTable } from '../../infra/local/host/routing-table.ts'
import { createHttpServer } from '../../infra/local/http/http-server.ts'
import { addEnded } from '../support/ended-jobs.ts'
import { fakeHost } from '../support/fake-host.ts'
import { type Person, test } from './person.ts'

vi.setConfig({ testTimeout: 300_000 })

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const as =
  (ada: Person, env: Record<string, string>) =>
  (...args: string[]) =>
    ada.stint(args, { env })

test('system tells of the machine and of each component', async ({ world, ada }) => {
  const { accessToken } = await world.register()
  const stint = as(ada, { STINT_TOKEN: accessToken })
  const told = await stint('system')
  expect(told).toMatchObject({ exitCode: 0, err: '' })
  expect(told.out).toMatch(/^CPU +\d+ % of \d+ in use, load [\d.]+ [\d.]+ [\d.]+$/m)
  expect(told.out).toMatch(/^memory +[\d.]+ \wiB of [\d.]+ \wiB available$/m)
  expect(told.out).toMatch(/^disk +[\d.]+ \wiB of [\d.]+ \wiB free$/m)
  expect(told.out).toMatch(/^postgres +up$/m)
  expect(JSON.parse((await stint('system', '--json')).out)).toMatchObject({ managesProcesses: false })
})

test('processes are listed, told what to do, and their logs shown', async ({ world, ada }) => {
  const { accessToken, userId } = await world.register()
  const { host, asked } = fakeHost()
  const table = readRoutingTable(`${ROOT}/serverless.yml`)
  const app = { ...world.app, host }
  const http = createHttpServer({ app, routes: await mountHttp(ROOT, table.http), cors: table.cors })
  const port = await http.listen(0, '127.0.0.1')
  onTestFinished(() => http.close(1_000))
  const stint = as(ada, { STINT_TOKEN: accessToken, STINT_URL: `http://127.0.0.1:${port}` })
  expect((await stint('processes')).exitCode).toBe(4)
  await world.sql`UPDATE users SET is_admin = true WHERE id = ${userId}`
  const listed = await stint('processes')
  expect(listed).toMatchObject({ exitCode: 0, err: '' })
  expect(listed.out).toMatch(/^kafka +up +12 +9092 +\d+ d ago +2\nsqs-s3 +stopped +– +– +– +0$/m)
  expect((await stint('processes', 'restart', 'kafka')).out).toBe('kafka is told to restart.\n')
  expect(JSON.parse((await stint('processes', 'start', 'sqs-s3', '--json')).out)).toMatchObject({ name: 'sqs-s3' })
  expect(asked).toEqual(['restart kafka', 'start sqs-s3'])
  expect((await stint('processes', 'logs', 'kafka', '--lines', '7')).out).toBe('7 of kafka\n')
  expect(JSON.parse((await stint('processes', 'logs', 'kafka', '--json')).out)).toEqual(['100 of kafka'])
  expect((await stint('processes', 'logs', 'redis')).err).toBe('No such process\n')
})

test('failed jobs are redriven by what they have in common, and ended ones deleted', async ({ world, ada }) => {
  const { accessToken, projectId } = await world.register()
  const stint = as(ada, { STINT_TOKEN: accessToken })
  const [a = '', b = '', c = ''] = await addEnded(world.sql, projectId, 3)
  await world.sql`UPDATE jobs SET state = 'failed', error = '{"code": "TIMEOUT", "message": ""}' WHERE id IN (${a}, ${b})`
  await world.sql`UPDATE jobs SET tags = '{late}' WHERE id = ${b}`
  const queue = (await world.sql<{ queue: string }[]>`SELECT queue FROM jobs LIMIT 1`)[0]?.queue ?? ''
  const redrive = ['queues', 'redrive', queue, '--project-id', projectId]
  const none = await stint(...redrive, '--code', 'CRASHED', '--failed-after', '2020-01-01T00:00:00Z')
  expect(none).toMatchObject({ exitCode: 0, out: expect.stringMatching(/: 0\.\n$/), err: '' })
  const one = await stint(...redrive, '--code', 'TIMEOUT', '--tag', 'late', '--per-second', '0.5', '--limit', '5')
  expect(one).toMatchObject({ exitCode: 0, out: `Failed jobs of ${queue} that run again: 1.\n`, err: '' })
  expect(await stint(...redrive, '--per-second', 'fast')).toMatchObject({ exitCode: 64 })
  const states = Object.fromEntries(
    (await world.sql<{ id: string; state: string }[]>`SELECT id, state FROM jobs`).map((it) => [it.id, it.state]),
  )
  expect(states[a]).toBe('failed')
  expect(states[b]).not.toBe('failed')

  expect(await stint('delete', c, a)).toMatchObject({ exitCode: 0, out: `${c} is deleted\n${a} is deleted\n`, err: '' })
  expect(await stint('delete', c)).toMatchObject({ exitCode: 4, err: `${c}: No such job\n` })
})
