import { Option } from 'commander'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { kinds } from '../../functions/jobs/index.ts'
import { asFlags, inputOf, kindCommand, readInput } from './kind-flags.ts'

const input = z.object({
  count: z.int().min(1).max(9),
  ratio: z.number().default(0.5),
  isDeep: z.boolean().default(false),
  mode: z.enum(['fast', 'slow']).optional(),
  sizes: z.array(z.object({ width: z.int() })).optional(),
  words: z.array(z.string()).optional(),
  extra: z.json().optional(),
  name: z.string().optional(),
})
const kind = {
  kind: 'test.flags',
  summary: 'Takes flags',
  input: z.toJSONSchema(input, { io: 'input' }) as Record<string, unknown>,
}

const parse = (...flags: string[]) => {
  const { command, fields } = kindCommand(kind, (it) => void it.addOption(new Option('--name <text>')))
  command.exitOverride().configureOutput({ writeErr: () => {} })
  command.parse(asFlags(command, flags), { from: 'user' })
  return inputOf(command.opts(), fields, {})
}

describe('flags become the input', () => {
  test.for<[flags: string[], input: object]>([
    [[], {}],
    [['--count', '3', '--ratio', '0.25'], { count: 3, ratio: 0.25 }],
    [['--is-deep', '--mode', 'slow'], { isDeep: true, mode: 'slow' }],
    [['--sizes', '{"width":1}', '--sizes', '{"width":2}'], { sizes: [{ width: 1 }, { width: 2 }] }],
    [['--sizes', '[{"width":1}]'], { sizes: [{ width: 1 }] }],
    [['--words', 'a', '--words', '2'], { words: ['a', '2'] }],
    [['--extra', '{"a":[null]}'], { extra: { a: [null] } }],
    [['--extra', 'text'], { extra: 'text' }],
    [['--input-name', 'its own', '--name', 'the job’s'], { name: 'its own' }],
    [
      ['--isDeep', '--inputName', 'as the API spells it', '--count=3'],
      { isDeep: true, name: 'as the API spells it', count: 3 },
    ],
    [['--extra=a=b', '--inputName=--isDeep'], { extra: 'a=b', name: '--isDeep' }],
    // The API says what it expected.
    [['--count', 'many'], { count: 'many' }],
    [['--count', ''], { count: '' }],
  ])('%s', ([flags, expected]) => {
    expect(parse(...flags)).toEqual(expected)
  })

  test('and one that the kind doesn’t have is refused', () => {
    expect(() => parse('--colour', 'red')).toThrow("unknown option '--colour'")
  })
})

test('every kind’s fields can be given as flags', () => {
  for (const it of kinds) {
    const schema = z.toJSONSchema(it.input, { io: 'input' }) as Record<string, unknown>
    const { fields } = kindCommand({ kind: it.kind, summary: it.summary, input: schema }, () => {})
    expect([...fields.values()].toSorted(), it.kind).toEqual(Object.keys(schema['properties'] ?? {}).toSorted())
  }
})

test('a flag says the bounds that its field has, and not those of every integer', () => {
  const numbers = z.object({
    any: z.int(),
    least: z.int().min(0),
    most: z.int().max(9),
    both: z.int().min(-9).max(9).default(1),
    ratio: z.number(),
  })
  const schema = z.toJSONSchema(numbers, { io: 'input' }) as Record<string, unknown>
  const { command } = kindCommand({ kind: 'test.numbers', summary: '', input: schema }, () => {})
  expect(command.options.map(({ description }) => description).slice(0, 5)).toEqual([
    '(needed)',
    '(needed, at least 0)',
    '(needed, at most 9)',
    '(-9 to 9, default 1)',
    '(needed)',
  ])
})

test('--input is a JSON object', async () => {
  expect(await readInput(undefined)).toEqual({})
  expect(await readInput('{"a":1}')).toEqual({ a: 1 })
  for (const text of ['[1]', 'null', '5', 'a', ''])
    await expect(readInput(text)).rejects.toThrow('expected a JSON object')
})
