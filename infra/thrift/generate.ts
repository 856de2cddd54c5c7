import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

// `npm run thrift`: writes what the codecs need of stint.thrift, as the Thrift compiler reads it.

const IDL = fileURLToPath(new URL('stint.thrift', import.meta.url))
export const TARGET = fileURLToPath(new URL('../../functions/rpc/idl.ts', import.meta.url))

const typed = z.object({
  typeId: z.string(),
  type: z.object({ class: z.string().optional(), elemTypeId: z.string().optional() }).optional(),
})
const nested = z.object({ elemType: z.object({ class: z.string() }) })
const field = typed.extend({ key: z.int(), name: z.string(), required: z.string(), type: z.looseObject({}).optional() })
const model = z.object({
  enums: z.array(z.object({ name: z.string(), members: z.array(z.object({ name: z.string(), value: z.int() })) })),
  structs: z.array(z.object({ name: z.string(), fields: z.array(field) })),
  services: z.tuple([
    z.object({
      functions: z.array(
        z.object({
          name: z.string(),
          returnType: z.object({ class: z.string() }),
          arguments: z.array(field),
          exceptions: z.tuple([z.object({ type: z.object({ class: z.string() }) })]),
        }),
      ),
    }),
  ]),
})

/** Whether the compiler is installed: `apt-get install thrift-compiler`. */
export const isInstalled = (): boolean => {
  try {
    execFileSync('thrift', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Has the compiler generate code from the IDL into a folder. */
export const compile = (generator: string, folder: string): void => {
  execFileSync('thrift', ['--gen', generator, '-out', folder, IDL], { stdio: 'pipe' })
}

/** The text of functions/rpc/idl.ts. */
export const generate = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'stint-thrift-'))
  try {
    compile('json', folder)
    const { enums, structs, services } = model.parse(JSON.parse(readFileSync(join(folder, 'stint.json'), 'utf8')))
    const idl = {
      enums: Object.fromEntries(
        enums.map(({ name, members }) => [name, Object.fromEntries(members.map((it) => [it.name, it.value]))]),
      ),
      structs: Object.fromEntries(structs.map(({ name, fields }) => [name, fieldsOf(fields)])),
      methods: Object.fromEntries(
        services[0].functions.map(({ name, arguments: takes, returnType, exceptions: [thrown] }) => [
          name,
          { takes: fieldsOf(takes), gives: returnType.class, throws: thrown.type.class },
        ]),
      ),
    }
    return formatted(
      `import type { Idl } from '../../lib/rpc/idl.ts'\n\n` +
        `/** infra/thrift/stint.thrift, written by \`npm run thrift\`. */\n` +
        `export const idl = ${JSON.stringify(idl)} as const satisfies Idl\n`,
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const fieldsOf = (fields: z.output<typeof field>[]) =>
  Object.fromEntries(
    fields.map((it) => [it.name, [it.key, typeOf(it), it.required === 'optional' ? 'optional' : 'required']]),
  )

const typeOf = ({ typeId, type }: z.output<typeof field>): string => {
  const { class: named, elemTypeId } = typed.shape.type.parse(type) ?? {}
  if (typeId !== 'list') return named ?? typeId
  return `list<${elemTypeId === 'struct' ? nested.parse(type).elemType.class : elemTypeId}>`
}

const formatted = (source: string): string =>
  execFileSync('biome', ['format', '--stdin-file-path', TARGET], { input: source, encoding: 'utf8' })

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(TARGET, generate())
