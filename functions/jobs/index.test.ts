import { createHash } from 'node:crypto'
import stringify from 'safe-stable-stringify'
import { expect, test } from 'vitest'
import { z } from 'zod'
import checkpoints from './checkpoints.json' with { type: 'json' }
import { allKinds as kinds } from './index.ts'

const names = kinds.map(({ kind }) => kind)

/** A digest of what a checkpoint looks like; how it is described may change freely. */
const shapeOf = (schema: z.ZodType): string => {
  const shape = z.toJSONSchema(schema, { override: ({ jsonSchema }) => void delete jsonSchema.description })
  return createHash('sha256').update(stringify(shape)).digest('hex').slice(0, 16)
}

test.each(names)('%s is a noun and a verb', (name) => {
  expect(name).toMatch(/^[a-z]+\.[a-z]+(-[a-z]+)*$/)
})

test.each(
  kinds.flatMap(({ kind, checkpoint, checkpointVersion }) =>
    checkpoint ? [{ kind, checkpoint, checkpointVersion }] : [],
  ),
)('the checkpoint of $kind is what version $checkpointVersion says', ({ kind, checkpoint, checkpointVersion }) => {
  // Jobs that are under way come with checkpoints of this version. If its shape must change: raise checkpointVersion in
  // the kind, and add the new version's digest to checkpoints.json.
  const [version, shape] = [`${kind}@${checkpointVersion}`, shapeOf(checkpoint)]
  const known: Record<string, string> = checkpoints
  expect(known, `functions/jobs/checkpoints.json lacks "${version}": "${shape}"`).toHaveProperty([version])
  expect(shape, `the checkpoint of ${version} has changed: raise its checkpointVersion`).toBe(known[version])
})

test.each(kinds)('$kind tells its input and its result as JSON Schema', ({ input, output }) => {
  expect(z.toJSONSchema(input, { io: 'input' })).toMatchObject({ type: 'object' })
  expect(z.toJSONSchema(output)).toMatchObject({ type: 'object' })
})
