import { z } from 'zod'
import * as schedules from '../../db/queries/schedules.ts'
import { resource } from '../../lib/http/resource.ts'
import { plain, route } from '../../lib/http/route.ts'
import { decodeCursor, id, label, page, pageOf, toPage } from '../../lib/http/schemas.ts'
import { fields as ofJob } from '../../lib/jobs/submission-fields.ts'
import { MIN_TICK_SECONDS } from '../../lib/schedule/cron.ts'
import { chooseProject } from '../use-cases/access.ts'
import { projectsToList } from '../use-cases/job-access.ts'
import { addSchedule, changeSchedule, removeSchedule, requireSchedule } from '../use-cases/schedules.ts'
import { CATCH_UPS, scheduleReply, scheduleSummary, toSchedule, toScheduleSummary } from '../views/schedule.ts'

const scheduleParams = z.object({ scheduleId: id })

const fields = {
  name: label(200).meta({ description: 'Also the name of its jobs.' }),
  cron: z
    .string()
    .max(200)
    .meta({
      description:
        'Minute, hour, day of month, month, day of week; or six fields with the second first. Ticks are at least ' +
        `${MIN_TICK_SECONDS} s apart. Where clocks change, plain times of the day (\`30 2 * * *\`) come once: after ` +
        'the gap, or at the first of two. With `*` or a step in seconds, minutes or hours it follows the time that passes.',
    }),
  timeZone: z.string().max(100).meta({ description: 'An IANA name, such as `Europe/Berlin`.' }),
  kind: ofJob.kind,
  input: ofJob.input,
  priority: ofJob.priority,
  tags: ofJob.tags,
  maxAttempts: ofJob.maxAttempts.unwrap().nullable().meta({ description: 'Null: what the kind says.' }),
  timeoutSeconds: ofJob.timeoutSeconds.unwrap().nullable().meta({ description: 'Null: what the kind says.' }),
  expiresInSeconds: ofJob.expiresInSeconds
    .unwrap()
    .nullable()
    .meta({
      description:
        'A job is cancelled if it has not started this long after its tick, also one that is made later to make up for it. ' +
        'Null: it waits for as long as it takes.',
    }),
  catchUp: z.enum(CATCH_UPS).meta({
    description:
      'What becomes of ticks that were missed by over a minute: none is made up for, one job stands for all of them ' +
      '(default), or each gets a job, up to 100 a second. Those too were missed that could make no job, since the kind ' +
      'was gone or took another input; it is tried again each minute. A pause forgets them.',
  }),
  paused: z.boolean(),
}

const example = {
  name: 'A hundred digits each night',
  cron: '30 2 * * *',
  timeZone: 'Europe/Berlin',
  kind: 'math.pi',
  input: { digits: 100 },
}

const creation = z
  .strictObject({
    ...fields,
    projectId: ofJob.projectId,
    timeZone: fields.timeZone.default('UTC'),
    maxAttempts: fields.maxAttempts.default(null),
    timeoutSeconds: fields.timeoutSeconds.default(null),
    expiresInSeconds: fields.expiresInSeconds.default(null),
    catchUp: fields.catchUp.default('one'),
    paused: fields.paused.default(false),
  })
  .meta({ id: 'NewSchedule', example })

const change = z
  .strictObject(fields)
  .partial()
  .meta({ id: 'ScheduleChange', example: { paused: true } })

const create = route({
  method: 'POST',
  path: '/schedules',
  summary: 'Create a schedule: a job is submitted at certain times',
  description: 'Times go by the clock of the database. A tick becomes exactly one job.',
  actor: 'user',
  scope: 'schedules:write',
  body: creation,
  replies: { 201: scheduleReply },
  gives: ['location'],
  errors: ['PROJECT_NOT_FOUND', 'FORBIDDEN', 'UNKNOWN_KIND', 'LIMIT_REACHED'],
  run: async ({ app, actor, body: { projectId: named, ...settings } }) => {
    const projectId = await chooseProject(app, actor, named, 'maintainer')
    const wanted = {
      ...settings,
      input: settings.input ?? null,
      priority: settings.priority ?? 0,
      tags: settings.tags ?? [],
    }
    const row = await addSchedule(app, actor, projectId, wanted)
    return { status: 201, headers: { location: `/schedules/${row.id}` }, body: { schedule: toSchedule(row) } }
  },
})

const list = route({
  method: 'GET',
  path: '/schedules',
  summary: 'Schedules, newest first, without their inputs',
  actor: 'user',
  scope: 'schedules:read',
  query: z.object({
    ...page,
    projectId: id.optional().meta({ description: 'By default all your projects.' }),
  }),
  replies: { 200: pageOf(scheduleSummary) },
  errors: ['PROJECT_NOT_FOUND'],
  run: async ({ app, actor, query: { limit, cursor, projectId } }) => {
    const before = decodeCursor(cursor, id)
    const projectIds = await projectsToList(app, actor, projectId)
    const rows = await schedules.list(app.sql, projectIds, { before, limit: limit + 1 })
    return { status: 200, body: toPage(rows, limit, toScheduleSummary, (row) => row.id) }
  },
})

const get = route({
  method: 'GET',
  path: '/schedules/{scheduleId}',
  summary: 'One schedule, with its input and next times',
  actor: 'user',
  scope: 'schedules:read',
  params: scheduleParams,
  replies: { 200: scheduleReply },
  errors: ['SCHEDULE_NOT_FOUND'],
  run: async ({ app, actor, params }) => {
    const row = await requireSchedule(app, actor, params.scheduleId, 'viewer')
    return { status: 200, body: { schedule: toSchedule(row) } }
  },
})

const update = route({
  method: 'PATCH',
  path: '/schedules/{scheduleId}',
  summary: 'Change, pause or resume a schedule',
  description: 'After a change of its times, or a resume, it continues with the next tick from now.',
  actor: 'user',
  scope: 'schedules:write',
  params: scheduleParams,
  body: change,
  replies: { 200: scheduleReply },
  errors: ['SCHEDULE_NOT_FOUND', 'FORBIDDEN', 'UNKNOWN_KIND'],
  run: async ({ app, actor, params, body }) => {
    await requireSchedule(app, actor, params.scheduleId, 'maintainer')
    const row = await changeSchedule(app, actor, params.scheduleId, body)
    return { status: 200, body: { schedule: toSchedule(row) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/schedules/{scheduleId}',
  summary: 'Delete a schedule; the jobs that it made stay',
  actor: 'user',
  scope: 'schedules:write',
  params: scheduleParams,
  replies: { 204: plain('Deleted') },
  errors: ['SCHEDULE_NOT_FOUND', 'FORBIDDEN'],
  run: async ({ app, actor, params }) => {
    await removeSchedule(app, actor, await requireSchedule(app, actor, params.scheduleId, 'maintainer'))
    return { status: 204 }
  },
})

export const handler = resource([create, list, get, update, remove])
