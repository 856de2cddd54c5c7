import { expect, test } from 'vitest'
import { z } from 'zod'
import { readableErrors } from './readable-errors.ts'

const told = (schema: z.ZodType, value: unknown): string =>
  schema.safeParse(value, readableErrors(value)).error?.issues[0]?.message ?? 'fine'

test.for<[schema: z.ZodType, value: unknown, message: string]>([
  [z.string(), undefined, 'is needed'],
  [z.int(), undefined, 'is needed'],
  [z.unknown().nonoptional(), undefined, 'is needed'],
  [z.enum(['a', 'b']), undefined, 'is needed'],
  [z.union([z.string(), z.number()]), undefined, 'is needed'],
  [z.json(), undefined, 'is needed'],
  [z.coerce.number(), 'abc', 'must be a number, not "abc"'],
  [z.coerce.number(), undefined, 'is needed'],
  [z.number(), '5', 'must be a number, not "5"'],
  [z.number(), 'x'.repeat(50), `must be a number, not "${'x'.repeat(40)}…"`],
  [z.number(), null, 'must be a number, not null'],
  [z.number(), [5], 'must be a number, not a list'],
  [z.int(), 1.5, 'must be a whole number, not 1.5'],
  [z.coerce.number().int(), '1.5', 'must be a whole number, not 1.5'],
  [z.string(), 5, 'must be text, not a number'],
  [z.boolean(), 'true', 'must be true or false, not text'],
  [z.array(z.string()), {}, 'must be a list, not an object'],
  [z.object({}), null, 'must be an object, not null'],
  [z.record(z.string(), z.string()), [], 'must be an object, not a list'],
  // What zod says well, and what a schema says itself.
  [z.int().min(1), 0, 'Too small: expected number to be >=1'],
  [z.enum(['a', 'b']), 'c', 'Invalid option: expected one of "a"|"b"'],
  [z.string().regex(/^a/, 'expected an a'), 'b', 'expected an a'],
  [z.string('expected a name'), 5, 'expected a name'],
])('%#: %s, %j', ([schema, value, message]) => {
  expect(told(z.object({ field: z.array(schema) }), { field: [value] })).toBe(message)
})
