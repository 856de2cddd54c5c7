import { expect, test } from 'vitest'
import { createRest } from './rest.ts'

const make = (lookMs = 3_600_000) => {
  const did: string[] = []
  const rest = createRest({ pause: () => void did.push('pause'), resume: () => void did.push('resume') }, lookMs)
  const ask = (times: number) => {
    for (let time = 1; time <= times; time++) rest.asked()
  }
  return { rest, did, ask }
}

test('who has asked in vain three times rests until something is published', () => {
  const { rest, did, ask } = make()
  ask(2)
  expect(did).toEqual([])
  ask(5)
  expect(did).toEqual(['pause'])
  rest.wake()
  expect(did).toEqual(['pause', 'resume'])
  ask(3)
  expect(did).toEqual(['pause', 'resume', 'pause'])
  rest.end()
})

test('who is given something, or is told of it, goes on asking', () => {
  const { rest, did, ask } = make()
  ask(2)
  rest.got()
  ask(2)
  rest.wake()
  ask(2)
  expect(did).toEqual([])
  rest.end()
})

test('who rests looks by itself now and then for what others published', async () => {
  const { rest, did, ask } = make(1)
  ask(3)
  await expect.poll(() => did).toEqual(['pause', 'resume'])
  rest.end()
})

test('who has ended neither rests nor goes on', () => {
  const { rest, did, ask } = make()
  ask(3)
  rest.end()
  ask(3)
  rest.wake()
  expect(did).toEqual(['pause'])
})
