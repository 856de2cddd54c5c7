import type { Command } from 'commander'
import type { Api } from '../../functions/http/api.ts'
import { serialsPages } from '../../functions/use-cases/serials-csv.ts'
import type { ItemOf } from '../../lib/client/api.ts'
import type { Cli } from './cli.ts'
import { CommandError, EXIT } from './io.ts'
import { OWN_PROJECT, type ProjectOption } from './options.ts'
import { harmless, print, table, toJson } from './print.ts'
import { type Session, signedIn } from './session.ts'

type DeviceModel = ItemOf<Api['GET /device-models']>

/** `stint device-models`: what `serials.generate` makes serial numbers for. */
export const addDeviceModels = (program: Command, { io }: Cli): void => {
  const models = program.command('device-models').description('device models, and their serial numbers')
  models
    .command('list', { isDefault: true })
    .description('the device models of a project, newest first')
    .addOption(OWN_PROJECT)
    .action(async (options: ProjectOption) => {
      const items = await list(await signedIn(io), options)
      print(io, options, items, (rows) =>
        rows.length > 0 ? table(rows.map((it) => [it.id, it.code, harmless(it.name)])) : 'No device models.',
      )
    })
  models
    .command('create')
    .argument('<code>', 'with which serial numbers begin: 0111')
    .argument('<name>')
    .description('add a device model')
    .addOption(OWN_PROJECT)
    .action(async (code: string, name: string, { projectId, ...options }: ProjectOption) => {
      const body = { code, name, projectId }
      const { deviceModel } = await (await signedIn(io)).client.call('POST /device-models', { body })
      print(io, options, deviceModel, (it) => `${it.id}  ${it.code}  ${harmless(it.name)}`)
    })
  models
    .command('serials')
    .argument('<code>', 'of the device model')
    .description('its serial numbers, as CSV')
    .addOption(OWN_PROJECT)
    .action(async (code: string, options: ProjectOption) => {
      const session = await signedIn(io)
      const params = { modelId: (await ofCode(session, code, options)).id }
      if (!options.json) return printCsv(session, params, (lines) => io.out(lines))
      const route = 'GET /device-models/{modelId}/serial-numbers'
      io.out(toJson(await Array.fromAsync(session.client.each(route, { params })), 2))
    })
  models
    .command('delete')
    .argument('<code>')
    .description('delete a device model that has no serial numbers')
    .addOption(OWN_PROJECT)
    .action(async (code: string, options: ProjectOption) => {
      const session = await signedIn(io)
      const { id } = await ofCode(session, code, options)
      await session.client.call('DELETE /device-models/{modelId}', { params: { modelId: id } })
      print(io, options, { id }, () => `${harmless(code)} is deleted.`)
    })
}

const list = ({ client }: Session, { projectId }: ProjectOption): Promise<DeviceModel[]> =>
  Array.fromAsync(client.each('GET /device-models', { query: { projectId } }))

const ofCode = async (session: Session, code: string, options: ProjectOption): Promise<DeviceModel> => {
  const found = (await list(session, options)).find((it) => it.code === code)
  if (!found) throw new CommandError(`There is no device model ${harmless(code)}`, EXIT.refused)
  return found
}

/** Prints one file, by as many requests as it takes. */
const printCsv = async (
  { client }: Session,
  params: { modelId: string },
  say: (lines: string) => void,
): Promise<void> => {
  const route = 'GET /device-models/{modelId}/serial-numbers.csv'
  for await (const page of serialsPages((query) => client.response(route, { params, query })))
    say((await page.text()).replace(/\n$/, ''))
}
