import { type JsonSchema, resolve } from './openapi-schemas.ts'

/**
 * A value that fits a schema: its own example if it has one, or the simplest that its keywords allow. Optional
 * fields are left out, and lists have one item.
 */
export const exampleOf = (schema: JsonSchema, components: Record<string, JsonSchema>): unknown => {
  const it = resolve(schema, components)
  const given = [...list(it['examples']), ...('const' in it ? [it['const']] : []), ...list(it['enum'])]
  if (given.length > 0) return given[0]
  if ('default' in it) return it['default']
  const [choice] = [...list(it['anyOf']), ...list(it['oneOf'])]
  if (choice) return exampleOf(choice as JsonSchema, components)
  const type = Array.isArray(it['type']) ? it['type'][0] : it['type']
  switch (type) {
    case 'string':
      return textOf(it)
    case 'integer':
    case 'number':
      return numberOf(it)
    case 'boolean':
      return true
    case 'array':
      return Array.from({ length: Math.max(1, Number(it['minItems'] ?? 1)) }, () =>
        exampleOf(it['items'] as JsonSchema, components),
      )
    case 'null':
      return null
    default:
      return objectOf(it, components)
  }
}

const FORMATS: Record<string, string> = {
  uuid: '01890a5d-ac96-774b-bcce-b302099a8057',
  email: 'ada@example.com',
  'date-time': '2026-01-01T00:00:00.000Z',
  uri: 'https://example.com/',
}

const textOf = (schema: JsonSchema): string =>
  FORMATS[String(schema['format'])] ?? 'text'.padEnd(Number(schema['minLength'] ?? 0), 't').slice(0, maxLength(schema))

const maxLength = (schema: JsonSchema): number => Number(schema['maxLength'] ?? Number.MAX_SAFE_INTEGER)

const numberOf = (schema: JsonSchema): number => {
  if (schema['exclusiveMinimum'] !== undefined) return Number(schema['exclusiveMinimum']) + 1
  return Math.max(Number(schema['minimum'] ?? 1), Math.min(1, Number(schema['maximum'] ?? 1)))
}

const objectOf = (schema: JsonSchema, components: Record<string, JsonSchema>): unknown => {
  const properties = (schema['properties'] ?? {}) as Record<string, JsonSchema>
  const required = list(schema['required']) as string[]
  return Object.fromEntries(required.map((name) => [name, exampleOf(properties[name] ?? {}, components)]))
}

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
