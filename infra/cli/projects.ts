import type { Command } from 'commander'
import type { Cli } from './cli.ts'
import { CommandError, EXIT } from './io.ts'
import type { JsonOption } from './options.ts'
import { harmless, print, table } from './print.ts'
import { type Session, signedIn } from './session.ts'

type Role = 'viewer' | 'maintainer' | 'owner'

/** `stint projects`. */
export const addProjects = (program: Command, { io }: Cli): void => {
  const projects = program.command('projects').description('projects and their members')
  projects
    .command('list', { isDefault: true })
    .description('list the projects that you belong to')
    .action(async (options: JsonOption) => {
      const { client } = await signedIn(io)
      const items = await Array.fromAsync(client.each('GET /projects'))
      print(io, options, items, (rows) => table(rows.map((it) => [it.id, it.role, harmless(it.name)])))
    })
  projects
    .command('create')
    .argument('<name>')
    .description('create a project')
    .action(async (name: string, options: JsonOption) => {
      const { project } = await (await signedIn(io)).client.call('POST /projects', { body: { name } })
      print(io, options, project, (it) => `${it.id}  ${harmless(it.name)}`)
    })
  projects
    .command('rename')
    .argument('<project-id>')
    .argument('<name>')
    .description('give a project another name (owner)')
    .action(async (projectId: string, name: string, options: JsonOption) => {
      const { client } = await signedIn(io)
      const { project } = await client.call('PATCH /projects/{projectId}', { params: { projectId }, body: { name } })
      print(io, options, project, (it) => `${it.id}  ${harmless(it.name)}`)
    })
  projects
    .command('delete')
    .argument('<project-id>')
    .description('delete a project with all that belongs to it, at once; its jobs must have ended (owner)')
    .action(async (projectId: string, options: JsonOption) => {
      await (await signedIn(io)).client.call('DELETE /projects/{projectId}', { params: { projectId } })
      print(io, options, { id: projectId }, ({ id }) => `${id} is deleted.`)
    })
  projects
    .command('members')
    .argument('[project-id]')
    .description('list the members of a project')
    .action(async (given: string | undefined, options: JsonOption) => {
      const session = await signedIn(io)
      const params = { projectId: given ?? (await ownProject(session)) }
      const items = await Array.fromAsync(session.client.each('GET /projects/{projectId}/members', { params }))
      print(io, options, items, (rows) =>
        table(rows.map((it) => [it.userId, it.role, harmless(it.email), harmless(it.name)])),
      )
    })
  projects
    .command('invite')
    .argument('<project-id>')
    .argument('<email>')
    .argument('[role]', 'viewer, maintainer or owner', 'viewer')
    .description('add a registered user, or change their role')
    .action(async (projectId: string, email: string, role: Role, options: JsonOption) => {
      const { client } = await signedIn(io)
      const body = { email, role }
      const { member } = await client.call('POST /projects/{projectId}/members', { params: { projectId }, body })
      print(io, options, member, (it) => `${harmless(`${it.name} <${it.email}>`)} is ${aRole(it.role)}.`)
    })
  projects
    .command('remove')
    .argument('<project-id>')
    .argument('<member>', 'email or user id')
    .description('remove a member with the API keys that they made there (owner), or leave yourself')
    .action(async (projectId: string, member: string, options: JsonOption) => {
      const { client } = await signedIn(io)
      const { userId, email, name } = await memberOf(client, projectId, member)
      await client.call('DELETE /projects/{projectId}/members/{userId}', { params: { projectId, userId } })
      print(io, options, { userId }, () => `${harmless(`${name} <${email}>`)} is no longer a member.`)
    })
}

const aRole = (role: Role): string => (role === 'owner' ? 'an owner' : `a ${role}`)

/** @throws {CommandError} when nobody of the project is called so */
const memberOf = async (client: Session['client'], projectId: string, given: string) => {
  const wanted = given.toLowerCase()
  for await (const it of client.each('GET /projects/{projectId}/members', { params: { projectId } }))
    if (it.userId === wanted || it.email.toLowerCase() === wanted) return it
  throw new CommandError(`No member with the email or id ${harmless(given)}: stint projects members`, EXIT.refused)
}

/** The project that was made for the person at registration. */
export const ownProject = async ({ client }: Session): Promise<string> => {
  const mine = await Array.fromAsync(client.each('GET /projects'))
  return (mine.find(({ isPersonal, role }) => isPersonal && role === 'owner') ?? mine[0])?.id ?? ''
}
