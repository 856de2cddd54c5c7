import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineJob } from '../../lib/jobs/define.ts'
import { toKind } from './kind.ts'

test('a kind that JSON Schema can not describe is named: its fellows are not shown either', () => {
  const dated = defineJob({
    kind: 'test.dated',
    summary: 'Takes what JSON has no word for',
    input: z.object({ at: z.date() }),
    output: z.object({}),
    async *run() {
      return {}
    },
  })
  expect(() => toKind(dated)).toThrow(
    'the input of test.dated has no JSON Schema: Date cannot be represented in JSON Schema',
  )
})
