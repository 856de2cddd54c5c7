import type { Schema } from './schema.ts'

/** A schema with its references resolved. One that refers to itself stays as it is; the form asks for JSON there. */
export const resolved = (schema: Schema, definitions = schema.$defs ?? {}, depth = 0): Schema => {
  if (depth > 6) return {}
  const name = schema.$ref?.replace('#/$defs/', '')
  const target = name === undefined ? schema : { ...definitions[name], ...schema }
  const single = (target.anyOf ?? target.oneOf)?.filter((it) => it.type !== 'null')
  const plain = single?.length === 1 ? { ...single[0], ...target } : target
  return {
    ...plain,
    ...(plain.properties && {
      properties: Object.fromEntries(
        Object.entries(plain.properties).map(([key, it]) => [key, resolved(it, definitions, depth + 1)]),
      ),
    }),
    ...(plain.items && { items: resolved(plain.items, definitions, depth + 1) }),
  }
}
