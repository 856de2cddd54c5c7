/** The parts of JSON Schema that forms use. */
export interface Schema {
  type?: string
  description?: string
  default?: unknown
  example?: unknown
  enum?: unknown[]
  format?: string
  minimum?: number
  maximum?: number
  maxLength?: number
  minItems?: number
  maxItems?: number
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  $ref?: string
  $defs?: Record<string, Schema>
}

export type Control =
  | 'text'
  | 'lines'
  | 'number'
  | 'choice'
  | 'choices'
  | 'switch'
  | 'file'
  | 'group'
  | 'groups'
  | 'list'
  | 'json'

/** The control for values of this schema. What has no control of its own is entered as JSON. */
export const controlOf = (name: string, schema: Schema): Control => {
  if (schema.enum) return 'choice'
  if (schema.type === 'integer' || schema.type === 'number') return 'number'
  // Without a default there are three answers: true, false, and none.
  if (schema.type === 'boolean') return schema.default === undefined ? 'choice' : 'switch'
  if (schema.type === 'string') {
    if (/fileId$/i.test(name)) return 'file'
    return (schema.maxLength ?? 0) > 1_000 ? 'lines' : 'text'
  }
  if (schema.type === 'object' && schema.properties) return 'group'
  if (schema.type === 'array') {
    if (schema.items?.type === 'object' && schema.items.properties) return 'groups'
    if (schema.items?.enum) return 'choices'
    if (schema.items?.type === 'string') return 'list'
  }
  return 'json'
}

/** `deviceModelCode` as a person would write it: `Device model code`. */
export const labelOf = (name: string): string => {
  const words = name
    .replace(/fileId$/i, 'File')
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** The note under a field: its description and its bounds. */
export const hintOf = (schema: Schema): string | undefined => {
  const { minimum, maximum, minItems, maxItems } = schema
  const bounds = [
    minimum !== undefined && maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER
      ? `${minimum} to ${maximum.toLocaleString('en')}`
      : undefined,
    maxItems !== undefined
      ? `${minItems ? `${minItems} to` : 'up to'} ${maxItems.toLocaleString('en')} of them`
      : undefined,
    // Choices show their default themselves.
    schema.default !== undefined &&
    schema.type !== 'boolean' &&
    !schema.enum &&
    !schema.items?.enum &&
    !isEmpty(schema.default)
      ? `default ${textOf(schema.default)}`
      : undefined,
  ].filter((it) => it !== undefined)
  const text = [schema.description?.replace(/\.$/, ''), ...bounds].filter(Boolean).join(' · ')
  return text || undefined
}

/** `[]` and `{}` count as nothing, like an empty field. */
const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** The value that a form begins with. A list that needs an entry begins with an empty one. */
export const emptyOf = (schema: Schema): Record<string, unknown> => {
  const entries = Object.entries(schema.properties ?? {}).flatMap(([name, it]): [string, unknown][] => {
    if (controlOf(name, it) === 'groups' && (it.minItems ?? 0) > 0) return [[name, [{}]]]
    return controlOf(name, it) === 'group' && schema.required?.includes(name) ? [[name, emptyOf(it)]] : []
  })
  return Object.fromEntries(entries)
}
