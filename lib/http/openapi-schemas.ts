import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'

/** JSON Schema 2020-12, which OpenAPI 3.1 takes as it is. */
export type JsonSchema = { [keyword: string]: unknown }

/** Whether a caller or the API gives the value: defaults and coercions make the two schemas differ. */
type Direction = 'input' | 'output'

const COMPONENT = '#/components/schemas/'

/**
 * Turns zod's schemas into JSON Schema. A schema with an id in its meta is written once, under this name. Names are decided at
 * the end, because a schema whose two directions differ needs two names.
 */
export const createSchemas = () => {
  const found: Record<Direction, Map<string, JsonSchema>> = { input: new Map(), output: new Map() }

  const nameOf = (direction: Direction, id: string): string => {
    const [input, output] = [found.input.get(id), found.output.get(id)]
    return direction === 'input' && output && !isDeepStrictEqual(unmarked(input), unmarked(output)) ? `${id}Input` : id
  }

  return {
    /** @param where names what has no name: the anonymous parts of a schema that holds itself. */
    of: (schema: z.ZodType, direction: Direction, where: string): JsonSchema => {
      const { $schema, $defs, ...root } = z.toJSONSchema(schema, { io: direction, override: withoutNoise })
      const link = (it: unknown): JsonSchema =>
        mapRefs(it, (ref) => `${direction}:${named(ref.replace('#/$defs/', ''), where)}`)
      for (const [id, it] of Object.entries($defs ?? {})) {
        const name = named(id, where)
        const known = found[direction].get(name)
        const made = link(it)
        if (known && !isDeepStrictEqual(known, made)) throw new Error(`${where}: two schemas have the id "${name}"`)
        found[direction].set(name, made)
      }
      return link(root)
    },

    /** The document with its names settled, and the named schemas. */
    settle: <T>(document: T): { document: T; components: Record<string, JsonSchema> } => {
      const settled = <U>(it: U): U =>
        mapRefs(it, (ref) => {
          const [direction, id] = ref.split(':') as [Direction, string]
          return COMPONENT + nameOf(direction, id)
        }) as U
      const components = (['output', 'input'] as const).flatMap((direction) =>
        [...found[direction]].map(([id, schema]) => [nameOf(direction, id), settled(schema)] as const),
      )
      return {
        document: settled(document),
        components: Object.fromEntries(components.sort(([a], [b]) => (a < b ? -1 : 1))),
      }
    },
  }
}

/** The schema that a `$ref` to a component names, or the schema itself. */
export const resolve = (schema: JsonSchema, components: Record<string, JsonSchema>): JsonSchema => {
  const ref = schema['$ref']
  if (typeof ref !== 'string') return schema
  const target = components[ref.replace(COMPONENT, '')]
  if (!target) throw new Error(`No component is named ${ref}`)
  return target
}

/** The name of the component that a schema refers to. */
export const componentOf = (schema: JsonSchema): string | undefined => {
  const ref = schema['$ref']
  return typeof ref === 'string' ? ref.replace(COMPONENT, '') : undefined
}

const named = (id: string, where: string): string => (id.startsWith('__schema') ? `${where}${id.slice(8)}` : id)

/** A mark of its direction would make two equal schemas differ. */
const unmarked = (schema: unknown): unknown => mapRefs(schema, (ref) => ref.replace(/^\w+:/, ''))

const mapRefs = (value: unknown, change: (ref: string) => string): JsonSchema =>
  JSON.parse(JSON.stringify(value), (key, it) => (key === '$ref' && typeof it === 'string' ? change(it) : it))

/** Drops what says nothing to a reader: patterns that a format implies, and the bounds of safe integers. */
const withoutNoise = ({ jsonSchema }: { jsonSchema: JsonSchema }): void => {
  if (jsonSchema['format']) delete jsonSchema['pattern']
  if (jsonSchema['minimum'] === Number.MIN_SAFE_INTEGER) delete jsonSchema['minimum']
  if (jsonSchema['maximum'] === Number.MAX_SAFE_INTEGER) delete jsonSchema['maximum']
  if ('example' in jsonSchema) {
    jsonSchema['examples'] ??= [jsonSchema['example']]
    delete jsonSchema['example']
  }
}
