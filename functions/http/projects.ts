import { z } from 'zod'
import { transaction } from '../../db/client.ts'
import * as memberships from '../../db/queries/memberships.ts'
import * as projects from '../../db/queries/projects.ts'
import { StintError } from '../../lib/core/errors.ts'
import { resource } from '../../lib/http/resource.ts'
import { plain, route } from '../../lib/http/route.ts'
import { decodeCursor, id, label, page, pageOf, timestamp, toPage } from '../../lib/http/schemas.ts'
import { lockProject, requireRole } from '../use-cases/access.ts'
import { audit } from '../use-cases/audit.ts'
import { email } from '../use-cases/email.ts'
import { putMember, putMemberByEmail, removeMember } from '../use-cases/members.ts'
import { addProject, refuseTooMany } from '../use-cases/new-project.ts'
import { getPerson } from '../use-cases/person.ts'
import { forgetRoles } from '../use-cases/role-cache.ts'
import { viewOf } from '../views/view-of.ts'

const role = z.enum(memberships.ROLES).meta({
  description:
    'A viewer sees; a maintainer also submits, cancels and deletes; an owner also decides about the project and its people.',
})

const projectReply = z
  .object({
    id,
    name: z.string(),
    role: role.describe('Yours.'),
    isPersonal: z.boolean().describe('Made at a registration: where jobs go that name no project.'),
    createdAt: timestamp,
    updatedAt: timestamp,
  })
  .meta({ id: 'Project' })
const toProject = viewOf(projectReply)

const memberReply = z
  .object({ userId: id, email: z.string(), name: z.string(), role, createdAt: timestamp })
  .meta({ id: 'Member' })
const toMember = viewOf(memberReply)

const projectParams = z.object({ projectId: id })
const memberParams = z.object({ projectId: id, userId: id })

const create = route({
  method: 'POST',
  path: '/projects',
  summary: 'Create a project, and own it',
  actor: 'user',
  body: z.strictObject({ name: label(100) }),
  replies: { 201: z.object({ project: projectReply }) },
  gives: ['location'],
  errors: ['LIMIT_REACHED'],
  run: async ({ app, actor, body }) => {
    const project = await transaction(app.sql, async (tx) => {
      await refuseTooMany(tx, actor.userId)
      const project = await addProject(tx, { name: body.name, ownerId: actor.userId, personal: false })
      await audit(actor, { action: 'project.create', projectId: project.id, target: project.id, data: body })(tx)
      return project
    })
    return {
      status: 201,
      headers: { location: `/projects/${project.id}` },
      body: { project: toProject({ ...project, role: 'owner' }) },
    }
  },
})

const list = route({
  method: 'GET',
  path: '/projects',
  summary: 'The projects that you belong to, oldest first',
  actor: 'user',
  query: z.object(page),
  replies: { 200: pageOf(projectReply) },
  run: async ({ app, actor, query }) => {
    const after = decodeCursor(query.cursor, id)
    await getPerson(app, actor)
    const rows = await projects.listOfUser(app.sql, actor.userId, { after, limit: query.limit + 1 })
    return {
      status: 200,
      body: toPage(rows, query.limit, toProject, (row) => row.id),
    }
  },
})

const get = route({
  method: 'GET',
  path: '/projects/{projectId}',
  summary: 'One project',
  actor: 'user',
  params: projectParams,
  replies: { 200: z.object({ project: projectReply }) },
  errors: ['PROJECT_NOT_FOUND'],
  run: async ({ app, actor, params }) => {
    const membership = await requireRole(app, actor, params.projectId, 'viewer')
    const project = await projects.find(app.sql, params.projectId)
    return { status: 200, body: { project: toProject({ ...(project ?? missing()), role: membership.role }) } }
  },
})

const update = route({
  method: 'PATCH',
  path: '/projects/{projectId}',
  summary: 'Rename a project (owner)',
  actor: 'user',
  params: projectParams,
  body: z.strictObject({ name: label(100) }),
  replies: { 200: z.object({ project: projectReply }) },
  errors: ['PROJECT_NOT_FOUND', 'FORBIDDEN'],
  run: async ({ app, actor, params, body }) => {
    const { projectId } = params
    const [mine, project] = await transaction(app.sql, async (tx) => [
      await lockProject(tx, actor, projectId, 'owner'),
      await projects.updateName(tx, projectId, body.name),
      await audit(actor, { action: 'project.rename', projectId, target: projectId, data: body })(tx),
    ])
    return { status: 200, body: { project: toProject({ ...(project ?? missing()), role: mine }) } }
  },
})

const remove = route({
  method: 'DELETE',
  path: '/projects/{projectId}',
  summary: 'Delete a project (owner)',
  description: 'It is hidden at once, with all that belongs to it. Its jobs must have ended.',
  actor: 'user',
  params: projectParams,
  replies: { 204: plain('Deleted') },
  errors: ['PROJECT_NOT_FOUND', 'FORBIDDEN', 'PROJECT_HAS_LIVE_JOBS'],
  run: async ({ app, actor, params }) => {
    // Submissions don't wait for this lock: a job that comes in at this very moment runs to its end, and nobody sees it.
    const { projectId } = params
    await transaction(app.sql, async (tx) => {
      await lockProject(tx, actor, projectId, 'owner')
      if (await projects.hasLiveJobs(tx, projectId)) throw new StintError('PROJECT_HAS_LIVE_JOBS')
      await projects.markDeleted(tx, projectId)
      await audit(actor, { action: 'project.delete', projectId, target: projectId })(tx)
    })
    forgetRoles(app)
    return { status: 204 }
  },
})

const listMembers = route({
  method: 'GET',
  path: '/projects/{projectId}/members',
  summary: 'The members of a project',
  actor: 'user',
  params: projectParams,
  query: z.object(page),
  replies: { 200: pageOf(memberReply) },
  errors: ['PROJECT_NOT_FOUND'],
  run: async ({ app, actor, params, query }) => {
    const after = decodeCursor(query.cursor, id)
    await requireRole(app, actor, params.projectId, 'viewer')
    const rows = await memberships.list(app.sql, params.projectId, { after, limit: query.limit + 1 })
    return { status: 200, body: toPage(rows, query.limit, toMember, (row) => row.userId) }
  },
})

const inviteMember = route({
  method: 'POST',
  path: '/projects/{projectId}/members',
  summary: 'Add a person by email, or change their role (owner)',
  description: 'Where mails are really sent, only confirmed emails are found.',
  actor: 'user',
  params: projectParams,
  body: z.strictObject({ email, role }),
  replies: { 200: z.object({ member: memberReply }) },
  errors: ['PROJECT_NOT_FOUND', 'FORBIDDEN', 'USER_NOT_FOUND', 'LAST_OWNER', 'RATE_LIMITED'],
  run: async ({ app, ip, actor, params, body }) => {
    const member = await putMemberByEmail(app, ip, actor, { ...params, ...body })
    return { status: 200, body: { member: toMember(member) } }
  },
})

const setMember = route({
  method: 'PUT',
  path: '/projects/{projectId}/members/{userId}',
  summary: 'Add a person, or change their role (owner)',
  actor: 'user',
  params: memberParams,
  body: z.strictObject({ role }),
  replies: { 200: z.object({ member: memberReply }) },
  errors: ['PROJECT_NOT_FOUND', 'FORBIDDEN', 'USER_NOT_FOUND', 'LAST_OWNER'],
  run: async ({ app, actor, params, body }) => {
    const member = await putMember(app, actor, { ...params, ...body })
    return { status: 200, body: { member: toMember(member) } }
  },
})

const removeFromProject = route({
  method: 'DELETE',
  path: '/projects/{projectId}/members/{userId}',
  summary: 'Remove a person (owner), or leave',
  description: 'Processes that know the person may let them in for up to five seconds more.',
  actor: 'user',
  params: memberParams,
  replies: { 204: plain('Removed') },
  errors: ['PROJECT_NOT_FOUND', 'FORBIDDEN', 'MEMBER_NOT_FOUND', 'LAST_OWNER'],
  run: async ({ app, actor, params }) => {
    await removeMember(app, actor, params)
    return { status: 204 }
  },
})

const missing = (): never => {
  throw new StintError('PROJECT_NOT_FOUND')
}

export const handler = resource([
  create,
  list,
  get,
  update,
  remove,
  listMembers,
  inviteMember,
  setMember,
  removeFromProject,
])
