import { componentOf, type JsonSchema } from '../openapi-schemas.ts'
import { type Html, html, prose } from './html.ts'

/** What a value may be, in one line: `integer, 1 to 100`, `list of Job`. */
export const typeOf = (schema: JsonSchema): Html => {
  const component = componentOf(schema)
  if (component) return html`<a href="#schema-${component}">${component}</a>`
  if ('const' in schema) return html`<code>${JSON.stringify(schema['const'])}</code>`
  if (Array.isArray(schema['enum']))
    return separated(
      schema['enum'].map((it) => html`<code>${String(it)}</code>`),
      ' or ',
    )
  const choices = [...list(schema['anyOf']), ...list(schema['oneOf'])] as JsonSchema[]
  if (choices.length > 0) return separated(choices.map(typeOf), ' or ')
  if (schema['type'] === 'array') return html`list of ${typeOf((schema['items'] ?? {}) as JsonSchema)}${limits(schema)}`
  const types = [schema['type'] ?? 'anything'].flat().map(String)
  const format = schema['format'] ? ` (${String(schema['format'])})` : ''
  return html`${types.join(' or ')}${format}${limits(schema)}`
}

/** The fields of an object, and of the objects in it. */
export const fields = (schema: JsonSchema): Html | undefined => {
  const it = inner(schema)
  const properties = Object.entries((it['properties'] ?? {}) as Record<string, JsonSchema>)
  if (properties.length === 0) return undefined
  const required = new Set(list(it['required']))
  return html`<dl class="fields">${properties.map(([name, property]) => {
    const description = property['description']
    return html`<div>
      <dt><code>${name}</code> <span class="type">${typeOf(property)}</span>${!required.has(name) && html` <em>optional</em>`}</dt>
      <dd>${typeof description === 'string' && prose(description)}${'default' in property && html` Default: <code>${JSON.stringify(property['default'])}</code>.`}${fields(property)}</dd>
    </div>`
  })}</dl>`
}

/** The object that a nullable or a list is about. A named schema is shown under its name. */
const inner = (schema: JsonSchema): JsonSchema => {
  if (schema['type'] === 'array') return inner((schema['items'] ?? {}) as JsonSchema)
  const choices = (list(schema['anyOf']) as JsonSchema[]).filter((it) => it['type'] !== 'null')
  return choices.length === 1 && choices[0] ? inner(choices[0]) : schema
}

const limits = (schema: JsonSchema): string => {
  const [min, max, unit] =
    schema['type'] === 'array'
      ? [schema['minItems'], schema['maxItems'], ' of them']
      : schema['type'] === 'string'
        ? [schema['minLength'], schema['maxLength'], ' characters']
        : [schema['minimum'], schema['maximum'], '']
  if (min !== undefined && max !== undefined) return `, ${Number(min)} to ${Number(max)}${unit}`
  if (min !== undefined) return `, at least ${Number(min)}${unit}`
  return max === undefined ? '' : `, at most ${Number(max)}${unit}`
}

const separated = (parts: Html[], separator: string): Html =>
  html`${parts.map((part, index) => (index === 0 ? part : [separator, part]))}`

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])
