import { z } from 'zod'
import type { App } from '../../lib/app.ts'
import { StintError } from '../../lib/core/errors.ts'
import { route } from '../../lib/http/route.ts'
import { timestamp } from '../../lib/http/schemas.ts'
import {
  type HostControl,
  type HostProcess,
  PROCESS_ACTIONS,
  type ProcessAction,
} from '../../lib/system/host-control.ts'
import { requireAdmin } from '../use-cases/admin.ts'
import { controlProcess } from '../use-cases/processes.ts'
import { viewOf } from '../views/view-of.ts'

const process = z
  .object({
    name: z.string(),
    state: z
      .enum(['up', 'down', 'stopped'])
      .meta({ description: '`stopped`: by an admin. `down`: it died and is being restarted.' }),
    pid: z.int().nullable(),
    port: z.int().nullable(),
    startedAt: timestamp.nullable(),
    restarts: z.int().meta({ description: 'How often it was started again since the stack began.' }),
    actions: z.array(z.enum(PROCESS_ACTIONS)).meta({ description: 'What may be done with it now.' }),
  })
  .meta({ id: 'Process' })
const processReply = z.object({ process })
const toProcess = viewOf(process)

/** A name that can also be a file name. */
const processParams = z.object({ name: z.string().regex(/^[a-z0-9-]{1,64}$/, 'expected the name of a process') })

const ERRORS = ['FORBIDDEN', 'PROCESSES_UNMANAGED', 'PROCESS_NOT_FOUND', 'PROCESS_ACTION_REFUSED'] as const
const WHERE = 'Where Stint runs on one machine; on AWS no process is Stint’s to run (409).'

const listProcesses = route({
  method: 'GET',
  path: '/system/processes',
  summary: 'The processes of the stage (admin)',
  description: WHERE,
  actor: 'user',
  replies: { 200: z.object({ items: z.array(process) }) },
  errors: ['FORBIDDEN', 'PROCESSES_UNMANAGED'],
  run: async ({ app, actor }) => {
    await requireAdmin(app, actor)
    const processes = await hostOf(app).processes()
    return { status: 200, body: { items: processes.map(toProcess) } }
  },
})

const getLogs = route({
  method: 'GET',
  path: '/system/processes/{name}/logs',
  summary: "The last lines of a process's log (admin)",
  description: WHERE,
  actor: 'user',
  params: processParams,
  query: z.object({ lines: z.coerce.number().int().min(1).max(1_000).default(100) }),
  replies: { 200: z.object({ lines: z.array(z.string()).meta({ description: 'Oldest first.' }) }) },
  errors: ['FORBIDDEN', 'PROCESSES_UNMANAGED', 'PROCESS_NOT_FOUND'],
  run: async ({ app, actor, params, query }) => {
    await requireAdmin(app, actor)
    const { name } = await findProcess(hostOf(app), params.name)
    return { status: 200, body: { lines: await hostOf(app).logs(name, query.lines) } }
  },
})

/** The route of one action. */
const acting = <const A extends ProcessAction>(action: A, summary: string, description: string) =>
  route({
    method: 'POST',
    path: `/system/processes/{name}/${action}`,
    summary,
    description,
    actor: 'user',
    params: processParams,
    replies: { 202: processReply },
    errors: ERRORS,
    run: async ({ app, actor, params }) => {
      await requireAdmin(app, actor)
      const found = await findProcess(hostOf(app), params.name)
      const process = toProcess(await controlProcess(app, actor, found, action))
      return { status: 202, body: { process } }
    },
  })

const restart = acting(
  'restart',
  'Restart a process (admin)',
  `Jobs that run there go on elsewhere from their last checkpoint. ${WHERE}`,
)
const stop = acting(
  'stop',
  'Stop a process until it is started (admin)',
  `What needs it waits, or answers 503. ${WHERE}`,
)
const start = acting('start', 'Start a process that was stopped (admin)', WHERE)

const hostOf = ({ host }: App): HostControl => {
  if (!host) throw new StintError('PROCESSES_UNMANAGED')
  return host
}

const findProcess = async (host: HostControl, name: string): Promise<HostProcess> => {
  const found = (await host.processes()).find((it) => it.name === name)
  if (!found) throw new StintError('PROCESS_NOT_FOUND')
  return found
}

/** Part of the function `system`. */
export const processes = [listProcesses, getLogs, restart, stop, start] as const
