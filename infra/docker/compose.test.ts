import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { readConfig } from '../../lib/core/config.ts'
import { canReadCompose, readCompose } from '../../tests/support/compose-config.ts'

interface Service {
  image: string
  build?: unknown
  restart?: string
  environment?: Record<string, string>
  ports?: string[]
  depends_on?: Record<string, { condition: string }>
  healthcheck?: { test: string[] }
}

const root = fileURLToPath(new URL('../../', import.meta.url))
const file = parse(readFileSync(`${root}docker-compose.yml`, 'utf8'), { merge: true }) as {
  services: Record<string, Service>
}
const services = Object.entries(file.services)
const foreign = services.filter(([, { build }]) => !build)

/** Ends once its work is done, so nobody asks whether it is well; and a worker is asked by nobody. */
const UNASKED = ['migrate', 'worker']

describe('docker-compose.yml', () => {
  test.for(foreign)('has a whole version for %s', ([, { image }]) => {
    expect(image).toMatch(/^[\w./-]+:v?\d+\.\d+(\.\d+)?$/)
  })

  test('has every service looked after, and waited for until it is well', () => {
    const unasked = services.filter(([, { healthcheck }]) => !healthcheck).map(([name]) => name)
    expect(unasked.toSorted()).toEqual(UNASKED)
    for (const [name, { restart, depends_on = {} }] of services) {
      expect(restart, name).toBeDefined()
      for (const [needed, { condition }] of Object.entries(depends_on)) {
        expect(condition, `${name} → ${needed}`).toBe(
          needed === 'migrate' ? 'service_completed_successfully' : 'service_healthy',
        )
      }
    }
  })

  test('opens no port to anybody but this machine', () => {
    for (const [name, { ports = [] }] of services) {
      for (const port of ports) expect(port, name).toMatch(/^127\.0\.0\.1:/)
    }
  })

  test.for(['migrate', 'api', 'worker'])('configures %s', (name) => {
    const environment = file.services[name]?.environment ?? {}
    const plain = Object.entries(environment).map(([key, value]) => [key, value.replaceAll(/\$\{\w+:-(.*?)\}/g, '$1')])
    expect(readConfig(Object.fromEntries(plain))).toMatchObject({
      s3: { bucket: 'stint' },
      mail: { publicUrl: 'http://localhost:3000' },
    })
  })

  test('lets only what migrates the database be its owner', () => {
    const usersOf = ({ environment = {} }: Service) =>
      ['DATABASE_URL', 'DATABASE_FUNCTIONS_URL'].map((name) => environment[name] && new URL(environment[name]).username)
    const { migrate, api, worker, postgres } = file.services
    expect(usersOf(migrate ?? expect.unreachable())).toEqual([
      postgres?.environment?.['POSTGRES_USER'],
      'stint_functions',
    ])
    for (const it of [api, worker]) expect(usersOf(it ?? expect.unreachable())).toEqual(['stint_functions', undefined])
  })

  test.skipIf(!canReadCompose)(
    'is what Docker Compose understands, alone and with what our tests lay over it',
    () => {
      expect(parse(readCompose('docker-compose.yml'))).toMatchObject({ services: { api: { image: 'stint-host' } } })
      const overlaid = parse(readCompose('docker-compose.yml', 'tests/compose/from-packages.yml'))
      expect(overlaid).toMatchObject({ services: { kafka: { image: 'stint-test-components' } } })
    },
    300_000,
  )
})
