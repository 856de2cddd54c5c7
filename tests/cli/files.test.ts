import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, vi } from 'vitest'
import { MAX_CSV_ROWS } from '../../functions/use-cases/serials-csv.ts'
import { newId } from '../../lib/core/ids.ts'
import { test } from './person.ts'

vi.setConfig({ testTimeout: 300_000 })

test('files are uploaded, listed, fetched and deleted', async ({ world, ada }) => {
  const { accessToken: STINT_TOKEN } = await world.register()
  const stint = (...args: string[]) => ada.process(args, { env: { STINT_TOKEN } })
  expect(await stint('files')).toMatchObject({ exitCode: 0, out: 'No files.\n' })
  const text = 'a,b\n1,ü\n'
  writeFileSync(join(ada.config, 'table.csv'), text)
  const { out, err } = await stint('files', 'upload', 'table.csv')
  expect(err).toBe('')
  const id = out.trim()
  expect((await stint('files')).out).toMatch(new RegExp(`^${id} {2}text/csv {2}9 B +\\d.* ago {2}table.csv$`, 'm'))
  const large = join(ada.config, 'large.csv')
  writeFileSync(large, `${text.repeat(600_000)}`)
  const uploaded = JSON.parse((await stint('files', 'upload', large, '--json')).out)
  expect(uploaded).toMatchObject({ name: 'large.csv', sizeBytes: 5_400_000 })
  expect(JSON.parse((await stint('files', '--limit', '1', '--json')).out)).toMatchObject([{ id: uploaded.id }])

  const there = await stint('files', 'download', id)
  expect(there).toMatchObject({ exitCode: 64, err: expect.stringContaining('table.csv is here already') })
  expect(await stint('files', 'download', id, 'copy.csv')).toMatchObject({ exitCode: 0, out: 'copy.csv\n', err: '' })
  expect(readFileSync(join(ada.config, 'copy.csv'), 'utf8')).toBe(text)
  expect((await stint('files', 'download', id, 'copy.csv')).exitCode).toBe(0)
  expect((await stint('files', 'download', id, '-')).out).toBe(text)
  await world.sql`UPDATE files SET name = '../../elsewhere.csv' WHERE id = ${id}`
  expect(JSON.parse((await stint('files', 'download', id, '--json')).out)).toMatchObject({ id, path: 'elsewhere.csv' })
  expect(readFileSync(join(ada.config, 'elsewhere.csv'), 'utf8')).toBe(text)
  await world.sql`UPDATE files SET name = '..' WHERE id = ${id}`
  expect(await stint('files', 'download', id)).toMatchObject({ exitCode: 64, err: expect.stringContaining('where to') })
  const none = await stint('files', 'download', newId(), 'none.csv')
  expect(none).toMatchObject({ exitCode: 4, err: 'No such file\n' })
  expect(existsSync(join(ada.config, 'none.csv'))).toBe(false)

  expect(await stint('files', 'delete', id)).toMatchObject({ exitCode: 0, out: `${id} is deleted.\n` })
  expect(JSON.parse((await stint('files', 'delete', uploaded.id, '--json')).out)).toEqual({ id: uploaded.id })
  expect((await stint('files', 'delete', id)).exitCode).toBe(4)
  expect((await stint('files', 'upload', 'no.csv')).exitCode).toBe(64)
})

test('a file that breaks off has no name, and spoils none that is there', async ({ ada }) => {
  const file = {
    id: newId(),
    name: 'table.csv',
    contentType: 'text/csv',
    sizeBytes: 9,
    createdAt: '2026-01-01T00:00:00Z',
  }
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/metadata')) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ file }))
      return
    }
    response.writeHead(200, { 'content-length': 9 })
    response.write('a,b\n', () => response.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const env = { STINT_TOKEN: 'token', STINT_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
  const copy = join(ada.config, 'copy.csv')
  writeFileSync(copy, 'whole')
  for (const path of [[], ['copy.csv']]) {
    const broken = await ada.process(['files', 'download', file.id, ...path], { env })
    expect(broken).toMatchObject({ exitCode: 2, out: '', err: expect.stringContaining('was not answered') })
  }
  expect(readFileSync(copy, 'utf8')).toBe('whole')
  expect(readdirSync(ada.config).filter((name) => name.includes('.csv'))).toEqual(['copy.csv'])
  expect((await ada.process(['files', 'download', file.id, '/dev/null'], { env })).exitCode).toBe(2)
})

test('device models are added, their serial numbers made and printed', async ({ world, ada }) => {
  const { accessToken: STINT_TOKEN, projectId } = await world.register()
  const stint = (...args: string[]) => ada.process(args, { env: { STINT_TOKEN } })
  expect((await stint('device-models')).out).toBe('No device models.\n')
  const made = await stint('device-models', 'create', '0111', 'Thermometer')
  expect(made).toMatchObject({ exitCode: 0, out: expect.stringMatching(/^\S{36} {2}0111 {2}Thermometer\n$/), err: '' })
  expect((await stint('device-models', '--project-id', projectId)).out).toBe(made.out)
  const flags = ['--device-model-code', '0111', '--start', '1', '--count', '2']
  const job = await stint('submit', 'serials.generate', ...flags, '--watch', '--json')
  expect(job.exitCode).toBe(0)
  const csv = await stint('device-models', 'serials', '0111')
  expect(csv.out).toMatch(/^number,serial,jobId,createdAt\r\n1,0111-00000001-88,\S+\r\n2,0111-00000002-\d\d,\S+\r\n$/)
  const json = JSON.parse((await stint('device-models', 'serials', '0111', '--json')).out)
  expect(json).toMatchObject([{ serial: '0111-00000001-88' }, { number: 2 }])
  expect(await stint('device-models', 'delete', '0111')).toMatchObject({ exitCode: 4 })

  await world.sql`
    INSERT INTO serial_numbers (device_model_id, number, serial, job_id)
    SELECT device_model_id, n, '0111-' || n, job_id FROM serial_numbers, generate_series(3, ${MAX_CSV_ROWS + 1}) n
    WHERE number = 1`
  const lines = (await stint('device-models', 'serials', '0111')).out.split('\r\n')
  expect(lines.filter((line) => line.startsWith('number'))).toHaveLength(1)
  expect(lines.slice(1, -1).map((line) => Number.parseInt(line, 10))).toEqual(
    Array.from({ length: MAX_CSV_ROWS + 1 }, (_, index) => index + 1),
  )
  const unused = await stint('device-models', 'create', '0112', 'Scale', '--json')
  const { id } = JSON.parse(unused.out)
  expect((await stint('device-models', 'delete', '0112')).out).toBe('0112 is deleted.\n')
  expect(await stint('device-models', 'serials', '0112')).toMatchObject({
    exitCode: 4,
    err: 'There is no device model 0112\n',
  })
  expect(JSON.parse((await stint('device-models', '--json')).out)).not.toContainEqual(expect.objectContaining({ id }))
})
