import { createWriteStream, existsSync, linkSync, realpathSync, renameSync, rmSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Command, Option } from 'commander'
import type { Api } from '../../functions/http/api.ts'
import type { ItemOf } from '../../lib/client/api.ts'
import { UnreachableError } from '../../lib/client/problem-error.ts'
import type { Cli } from './cli.ts'
import { CommandError, EXIT, type Io } from './io.ts'
import { type JsonOption, OWN_PROJECT, type ProjectOption } from './options.ts'
import { ago, harmless, listing, print, size } from './print.ts'
import { first, type Session, signedIn } from './session.ts'
import { upload } from './upload.ts'
import { wholeNumber } from './whole-number.ts'

type File = ItemOf<Api['GET /files']>

/** `stint files`. */
export const addFiles = (program: Command, { io }: Cli): void => {
  const files = program.command('files').description('what jobs read, and what they made')
  files
    .command('list', { isDefault: true })
    .description('the files of a project, newest first')
    .addOption(OWN_PROJECT)
    .addOption(new Option('--limit <integer>', 'how many').argParser(wholeNumber(1)).default(20))
    .action(async ({ projectId, limit, ...options }: ProjectOption & { limit: number }) => {
      const { client } = await signedIn(io)
      const query = { projectId, limit: Math.min(limit, 100) }
      const items = await first(limit, client.each('GET /files', { query }))
      print(io, options, items, (rows) => toTable(io, rows))
    })
  files
    .command('upload')
    .argument('<path>')
    .description('upload a file of this machine; its id is printed')
    .addOption(OWN_PROJECT)
    .action(async (path: string, { projectId, ...options }: ProjectOption) => {
      const { client } = await signedIn(io)
      const file = await metadata(client, await upload(client, path, projectId))
      print(io, options, file, ({ id }) => id)
    })
  files
    .command('download')
    .argument('<id>')
    .argument('[path]', 'where to; - is standard output; its own name here if left out, unless there is such a file')
    .description('fetch a file')
    .action(async (fileId: string, given: string | undefined, options: JsonOption) => {
      const { client } = await signedIn(io)
      const file = await metadata(client, fileId)
      const path = given ?? ownName(file)
      // A name that somebody else chose must not replace a file.
      if (given === undefined && existsSync(path))
        throw new CommandError(`${harmless(path)} is here already. Say where to: download ${fileId} PATH`, EXIT.usage)
      await save(io, await client.response('GET /files/{fileId}', { params: { fileId } }), path, given === undefined)
      if (path === '-') return
      print(io, options, { ...file, path }, () => harmless(path))
    })
  files
    .command('delete')
    .argument('<id>')
    .description('delete a file that no job needs any more')
    .action(async (fileId: string, options: JsonOption) => {
      await (await signedIn(io)).client.call('DELETE /files/{fileId}', { params: { fileId } })
      print(io, options, { id: fileId }, ({ id }) => `${id} is deleted.`)
    })
}

/** @param isNew not in place of another file @throws {CommandError} @throws {UnreachableError} when it breaks off */
const save = async (io: Io, { body, url }: Response, path: string, isNew: boolean): Promise<void> => {
  const content = body ?? []
  try {
    const takesAsItComes = path !== '-' && statSync(path, { throwIfNoEntry: false })?.isFile() === false
    if (path === '-') await pipeline(content, process.stdout, { end: false })
    else if (takesAsItComes) await pipeline(content, createWriteStream(path))
    else await saveWhole(io, content, path, isNew)
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) throw new CommandError(harmless(error.message), EXIT.usage)
    throw UnreachableError.of('GET /files/{fileId}', new URL(url).origin, error)
  }
}

/** A file gets its name when it is whole; until then it has another, beside it. */
const saveWhole = async (
  { signal }: Io,
  content: ReadableStream | never[],
  path: string,
  isNew: boolean,
): Promise<void> => {
  const part = `${path}.${process.pid}.part`
  const remove = () => rmSync(part, { force: true })
  signal?.addEventListener('abort', remove, { once: true })
  try {
    // Opened here, not by the stream: a stream that ends early opens its file after it has said so, and `remove` with it.
    const file = await open(part, 'w')
    await pipeline(content, file.createWriteStream())
    if (isNew) linkSync(part, path)
    else renameSync(part, existsSync(path) ? realpathSync(path) : path)
  } finally {
    remove()
  }
}

const metadata = async (client: Session['client'], fileId: string): Promise<File> =>
  (await client.call('GET /files/{fileId}/metadata', { params: { fileId } })).file

/** The file's name without any folders in it. */
const ownName = ({ name }: File): string => {
  const own = basename(name)
  if (own !== '' && own !== '.' && own !== '..') return own
  throw new CommandError(`Say where to: the file is called ${harmless(name)}`, EXIT.usage)
}

const toTable = (io: Io, files: readonly File[]): string =>
  listing(io, files, 'No files.', {
    ID: (it) => it.id,
    TYPE: (it) => it.contentType,
    SIZE: (it) => (it.sizeBytes === null ? 'not here yet' : size(it.sizeBytes)),
    MADE: (it) => `${ago(it.createdAt)} ago`,
    NAME: (it) => harmless(it.name),
  })
