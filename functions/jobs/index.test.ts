import { expect, test } from 'vitest'
import { z } from 'zod'
import checkpoints from './checkpoints.json' with { type: 'json' }
import { allKinds as kinds } from './index.ts'

const names = kinds.map(({ kind }) => kind)

/** What a checkpoint looks like; how it is described may change freely. */
const shapeOf = (schema: z.ZodType): unknown =>
  z.toJSONSchema(schema, { override: ({ jsonSchema }) => void delete jsonSchema.description })

test.each(names)('%s is a noun and a verb', (name) => {
  expect(name).toMatch(/^[a-z]+\.[a-z]+(-[a-z]+)*$/)
})

test.each(
  kinds.flatMap(({ kind, checkpoint, checkpointVersion }) =>
    checkpoint ? [{ kind, checkpoint, checkpointVersion }] : [],
  ),
)('the checkpoint of $kind is what version $checkpointVersion says', ({ kind, checkpoint, checkpointVersion }) => {
  const known = (checkpoints as Record<string, unknown>)[`${kind}@${checkpointVersion}`]
  // Jobs that are under way come with checkpoints of this version. If its shape must change: raise checkpointVersion in
  // the kind, and add the new version's shape to checkpoints.json.
  const shape = shapeOf(checkpoint)
  const line = `"${kind}@${checkpointVersion}": ${JSON.stringify(shape)}`
  expect(shape, known ? undefined : `functions/jobs/checkpoints.json lacks ${line}`).toEqual(known)
})

test.each(kinds)('$kind tells its input and its result as JSON Schema', ({ input, output }) => {
  expect(z.toJSONSchema(input, { io: 'input' })).toMatchObject({ type: 'object' })
  expect(z.toJSONSchema(output)).toMatchObject({ type: 'object' })
})
