import { z } from 'zod'
import * as health from '../../db/queries/health.ts'
import type { App } from '../../lib/app.ts'
import { readMachine } from '../../lib/system/machine.ts'
import { COMPONENTS, probeComponents } from '../use-cases/components.ts'

export const component = z
  .object({
    name: z.enum(COMPONENTS),
    status: z.enum(['up', 'down']),
    latencyMs: z.number(),
    error: z.string().optional(),
  })
  .meta({ id: 'Component' })

const bytes = z.int().min(0)

export const systemReply = z
  .object({
    status: z.enum(['ok', 'degraded']).meta({ description: '`degraded` when any component is down.' }),
    components: z.array(component),
    machine: z
      .object({
        cpus: z.int(),
        loadAverage: z.array(z.number()).meta({ description: 'Over 1, 5 and 15 minutes.' }),
        cpuBusy: z
          .number()
          .meta({ description: 'The part of all CPUs that was in use since it was last asked, 0 to 1.' }),
        memory: z.object({ totalBytes: bytes, availableBytes: bytes }),
        disk: z
          .object({ totalBytes: bytes, freeBytes: bytes })
          .meta({ description: 'The one that the stage writes to.' }),
        uptimeSeconds: z.int(),
      })
      .meta({ description: 'The machine that answers; on AWS the one of a single function.' }),
    process: z
      .object({ uptimeSeconds: z.int(), memoryBytes: bytes })
      .meta({ description: 'The process that answers.' }),
    versions: z.object({
      stint: z.string(),
      node: z.string(),
      postgres: z.string().nullable().meta({ description: 'Null while it is down.' }),
    }),
    managesProcesses: z
      .boolean()
      .meta({ description: 'Whether an admin can restart the processes of the stage: GET /system/processes.' }),
  })
  .meta({ id: 'System' })

export const viewSystem = async (app: App, diskFolder: string): Promise<z.input<typeof systemReply>> => {
  const [components, machine] = await Promise.all([probeComponents(app), readMachine(diskFolder)])
  const isUp = (name: string) => components.some((it) => it.name === name && it.status === 'up')
  return {
    status: components.every(({ status }) => status === 'up') ? 'ok' : 'degraded',
    components,
    machine,
    process: { uptimeSeconds: Math.floor(process.uptime()), memoryBytes: process.memoryUsage.rss() },
    versions: {
      stint: app.config.version,
      node: process.versions.node,
      postgres: isUp('postgres') ? await health.version(app.sql) : null,
    },
    managesProcesses: app.host !== undefined,
  }
}
