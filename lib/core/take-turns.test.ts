import { expect, test } from 'vitest'
import { takeTurns } from './take-turns.ts'

const PATIENT = { waitMs: 600_000 }

const turns = (limits: Parameters<typeof takeTurns>[0]) => {
  const inTurn = takeTurns(limits)
  const begun: string[] = []
  const ends = new Map<string, PromiseWithResolvers<void>>()
  const ask = (who: string, name: string): Promise<void> =>
    inTurn(who, async () => {
      begun.push(name)
      const { promise } = ends.set(name, Promise.withResolvers()).get(name) as PromiseWithResolvers<void>
      await promise
    })
  return { begun, ask, ends }
}

test('somebody who asks for much keeps nobody else waiting', async () => {
  const { begun, ask, ends } = turns({ atOnce: 3, ofOne: 2, waitingOfOne: 10, ...PATIENT })
  const all = ['e1', 'e2', 'e3', 'e4'].map((name) => ask('eve', name))
  all.push(ask('ada', 'a1'))
  await expect.poll(() => begun).toEqual(['e1', 'e2', 'a1'])
  all.push(ask('ada', 'a2'), ask('bob', 'b1'))
  ends.get('e1')?.resolve()
  await expect.poll(() => begun).toEqual(['e1', 'e2', 'a1', 'b1'])
  ends.get('b1')?.resolve()
  await expect.poll(() => begun).toEqual(['e1', 'e2', 'a1', 'b1', 'e3'])
  ends.get('a1')?.resolve()
  await expect.poll(() => begun.at(-1)).toBe('a2')
  for (const name of ['e2', 'e3', 'a2']) ends.get(name)?.resolve()
  await expect.poll(() => begun.at(-1)).toBe('e4')
  ends.get('e4')?.resolve()
  await Promise.all(all)
})

test('what fails gives its turn to the next', async () => {
  const inTurn = takeTurns({ atOnce: 1, ofOne: 1, waitingOfOne: 1, ...PATIENT })
  const failed = inTurn('eve', () => Promise.reject(new Error('no')))
  const next = inTurn('eve', async () => 'done')
  await expect(failed).rejects.toThrow('no')
  expect(await next).toBe('done')
})

test('more than may wait is refused, of the one who asks for it only', async () => {
  const { begun, ask, ends } = turns({ atOnce: 1, ofOne: 1, waitingOfOne: 1, ...PATIENT })
  const all = [ask('eve', 'e1'), ask('eve', 'e2')]
  await expect(ask('eve', 'e3')).rejects.toMatchObject({ code: 'RATE_LIMITED', headers: { 'retry-after': '1' } })
  all.push(ask('ada', 'a1'))
  for (const name of ['e1', 'e2', 'a1']) {
    await expect.poll(() => begun).toContain(name)
    ends.get(name)?.resolve()
  }
  await Promise.all(all)
  expect(begun).toEqual(['e1', 'e2', 'a1'])
})

test('what has waited too long is refused, and never runs', async () => {
  const { begun, ask, ends } = turns({ atOnce: 1, ofOne: 1, waitingOfOne: 1, waitMs: 1 })
  const first = ask('eve', 'e1')
  await expect(ask('ada', 'a1')).rejects.toMatchObject({ code: 'RATE_LIMITED' })
  ends.get('e1')?.resolve()
  await first
  const second = ask('ada', 'a2')
  await expect.poll(() => begun).toEqual(['e1', 'a2'])
  ends.get('a2')?.resolve()
  await second
})
