import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { expect, test } from 'vitest'
import { exampleOf } from './openapi-example.ts'
import type { JsonSchema } from './openapi-schemas.ts'

const components: Record<string, JsonSchema> = {
  Place: { type: 'object', properties: { city: { type: 'string', minLength: 6, maxLength: 7 } }, required: ['city'] },
}

test.for<[string, JsonSchema]>([
  ['a short string', { type: 'string', minLength: 1, maxLength: 2 }],
  ['a long string', { type: 'string', minLength: 20 }],
  ['a UUID', { type: 'string', format: 'uuid' }],
  ['an email', { type: 'string', format: 'email' }],
  ['an instant', { type: 'string', format: 'date-time' }],
  ['a number with bounds', { type: 'integer', minimum: -3, maximum: -2 }],
  ['a number past a bound', { type: 'number', exclusiveMinimum: 5 }],
  ['a choice', { enum: ['owner', 'viewer'] }],
  ['a constant', { const: 7 }],
  ['a nullable', { type: ['string', 'null'] }],
  ['either', { anyOf: [{ type: 'boolean' }, { type: 'null' }] }],
  ['a list with items', { type: 'array', minItems: 2, items: { type: 'integer' } }],
  [
    'an object with a named one in it',
    { type: 'object', properties: { at: { $ref: '#/components/schemas/Place' } }, required: ['at'] },
  ],
])('fits %s', ([, schema]) => {
  const ajv = addFormats.default(new Ajv2020({ strict: false }))
  const valid = ajv.validate({ ...schema, components: { schemas: components } }, exampleOf(schema, components))
  expect(ajv.errors).toBeNull()
  expect(valid).toBe(true)
})

test('prefers what the schema gives as its example, then its default', () => {
  expect(exampleOf({ type: 'string', examples: ['math.pi'], default: 'x' }, {})).toBe('math.pi')
  expect(exampleOf({ type: 'string', default: 'x' }, {})).toBe('x')
})
