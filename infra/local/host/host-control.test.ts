import { expect, test } from 'vitest'
import { createWorkers } from './host-control.ts'

const child = (name: string, pid: number) => ({ name, pid, kill: () => {} })

test('a worker that died is down until another has its name; one that was ended after a burst of jobs is not listed', () => {
  const workers = createWorkers()
  const seen = () => workers.list().map(({ name, state, pid, restarts }) => [name, state, pid, restarts])
  workers.started(child('worker-default-1', 1))
  workers.started(child('worker-default-2', 2))
  workers.ended('worker-default-1', true)
  workers.ended('worker-default-2', false)
  expect(seen()).toEqual([['worker-default-1', 'down', null, 0]])

  workers.started(child('worker-default-1', 3))
  workers.started(child('worker-default-2', 4))
  expect(seen()).toEqual([
    ['worker-default-1', 'up', 3, 1],
    ['worker-default-2', 'up', 4, 0],
  ])
})
