import { expect, test } from 'vitest'
import { createCondition } from './condition.ts'

test('all that wait go on when it happens, and who comes later waits for the next time', async () => {
  const condition = createCondition()
  const went: string[] = []
  const waits = (name: string) => condition.wait().then(() => went.push(name))
  const first = [waits('a'), waits('b')]
  condition.notify()
  const later = waits('c')
  await Promise.all(first)
  expect(went).toEqual(['a', 'b'])
  condition.notify()
  await later
  expect(went).toEqual(['a', 'b', 'c'])
})

test('what happened before is not waited for, and nobody has to wait for ever', async () => {
  const condition = createCondition()
  condition.notify()
  await condition.wait(1)
})
