import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { resolved } from './resolve.ts'
import { controlOf, emptyOf, hintOf, labelOf, type Schema } from './schema.ts'

const schemaOf = (type: z.ZodType): Schema => resolved(z.toJSONSchema(type, { io: 'input' }) as Schema)

/** The control of each field of an object. */
const controlsOf = (shape: z.core.$ZodLooseShape): Record<string, string> =>
  Object.fromEntries(
    Object.entries(schemaOf(z.object(shape)).properties ?? {}).map(([name, it]) => [name, controlOf(name, it)]),
  )

describe('a field', () => {
  test('is asked for as what it is', () => {
    const size = z.object({ width: z.int() })
    const shape = {
      digits: z.int(),
      ratio: z.number().optional(),
      subject: z.string().max(200),
      text: z.string().max(50_000),
      sourceFileId: z.uuid(),
      format: z.enum(['png', 'jpeg']),
      isOpen: z.boolean().default(false),
      header: z.boolean().optional(),
      formats: z.array(z.enum(['csv', 'pdf'])),
      crop: size,
      sizes: z.array(size),
      to: z.array(z.email()),
      values: z.record(z.string(), z.string()),
      echo: z.json(),
    }
    expect(controlsOf(shape)).toEqual({
      digits: 'number',
      ratio: 'number',
      subject: 'text',
      text: 'lines',
      sourceFileId: 'file',
      format: 'choice',
      isOpen: 'switch',
      header: 'choice',
      formats: 'choices',
      crop: 'group',
      sizes: 'groups',
      to: 'list',
      values: 'json',
      echo: 'json',
    })
  })

  test('that may be null is asked for as what it is otherwise', () => {
    expect(controlsOf({ digits: z.int().nullable(), format: z.enum(['a', 'b']).nullable() })).toEqual({
      digits: 'number',
      format: 'choice',
    })
  })

  test('of a schema that refers to itself is asked for as JSON where it does', () => {
    const tree: z.ZodType = z.lazy(() => z.object({ name: z.string(), left: tree.optional() }))
    const { properties } = schemaOf(tree)
    expect(controlOf('name', properties?.['name'] ?? {})).toBe('text')
    expect(JSON.stringify(properties).length).toBeLessThan(2_000)
  })

  test('has a name for people, and its bounds beside its description', () => {
    expect([labelOf('deviceModelCode'), labelOf('sourceFileId'), labelOf('fileId')]).toEqual([
      'Device model code',
      'Source file',
      'File',
    ])
    const hints = [
      z.int().min(1).max(8_192),
      z.int().default(3).meta({ description: 'How many.' }),
      z.string(),
      z.string().default('UTC'),
      z.array(z.string()).max(1_000).default([]),
      z.array(z.string()).min(1).max(50),
    ]
    expect(hints.map((it) => hintOf(schemaOf(it)))).toEqual([
      '1 to 8,192',
      'How many · default 3',
      undefined,
      'default UTC',
      'up to 1,000 of them',
      '1 to 50 of them',
    ])
  })
})

test('a form begins with an entry where a list needs one, and with what is needed inside', () => {
  const size = z.object({ width: z.int().optional() })
  const schema = schemaOf(
    z.object({ sizes: z.array(size).min(1), more: z.array(size), crop: size, other: size.optional() }),
  )
  expect(emptyOf(schema)).toEqual({ sizes: [{}], crop: {} })
})
