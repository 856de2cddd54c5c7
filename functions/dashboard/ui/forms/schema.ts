/** What is used of a JSON Schema here. */
export interface Schema {
  type?: string
  description?: string
  title?: string
  default?: unknown
  example?: unknown
  enum?: unknown[]
  const?: unknown
  format?: string
  minimum?: number
  maximum?: number
  minLength?: number
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

/** With which control a value of this schema is asked for. What no control is made for is asked for as JSON. */
export const controlOf = (name: string, schema: Schema): Control => {
  if (schema.enum) return 'choice'
  if (schema.type === 'integer' || schema.type === 'number') return 'number'
  // What is neither unless somebody says so has three answers.
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

/** What is said under a field: its description and its bounds. */
export const hintOf = (schema: Schema): string | undefined => {
  const { minimum, maximum, minItems, maxItems } = schema
  const bounds = [
    minimum !== undefined && maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER
      ? `${minimum} to ${maximum.toLocaleString('en')}`
      : undefined,
    maxItems !== undefined
      ? `${minItems ? `${minItems} to` : 'up to'} ${maxItems.toLocaleString('en')} of them`
      : undefined,
    // Choices show it themselves.
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

/** `[]` and `{}`: nothing, as a field is without them. */
const isEmpty = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length === 0

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** What a form begins with: one empty entry where a list needs one. */
export const emptyOf = (schema: Schema): Record<string, unknown> => {
  const entries = Object.entries(schema.properties ?? {}).flatMap(([name, it]): [string, unknown][] => {
    if (controlOf(name, it) === 'groups' && (it.minItems ?? 0) > 0) return [[name, [{}]]]
    return controlOf(name, it) === 'group' && schema.required?.includes(name) ? [[name, emptyOf(it)]] : []
  })
  return Object.fromEntries(entries)
}
