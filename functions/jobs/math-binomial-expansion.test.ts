import { expect } from 'vitest'
import { newId } from '../../lib/core/ids.ts'
import { MAX_DATA_BYTES } from '../../lib/jobs/json.ts'
import { jobIn, runInShortestStints, runKind } from '../../tests/support/run-kind.ts'
import { test, type World } from '../../tests/support/world.ts'
import { mathBinomialExpansion } from './math-binomial-expansion.ts'

interface Term {
  coefficient: string
  a: number
  b: number
}
interface Result {
  terms: Term[] | null
  file: { fileId: string; sizeBytes: number } | null
}

const projectContext = async ({ app, sql }: World) => {
  const projectId = newId()
  await sql`INSERT INTO projects (id, name) VALUES (${projectId}, 'A project')`
  return jobIn(app, projectId)
}

const expand = async (n: number): Promise<Result> =>
  (await runKind(mathBinomialExpansion, { input: { n } })).result as Result

test.for([
  [0, ['1']],
  [1, ['1', '1']],
  [2, ['1', '2', '1']],
  [3, ['1', '3', '3', '1']],
  [4, ['1', '4', '6', '4', '1']],
  [5, ['1', '5', '10', '10', '5', '1']],
] as const)('writes out (a + b) to the %i', async ([n, row]) => {
  expect((await expand(n)).terms).toEqual(row.map((coefficient, b) => ({ coefficient, a: n - b, b })))
})

test('has coefficients that add up to 2ⁿ, and to 0 where b is −1, in any power', async () => {
  for (const n of [17, 100, 601, 700]) {
    const { terms } = await expand(n)
    const values = (terms ?? []).map(({ coefficient }) => BigInt(coefficient))
    expect(values).toHaveLength(n + 1)
    expect(values.reduce((sum, value) => sum + value)).toBe(2n ** BigInt(n))
    expect(values.reduce((sum, value, b) => (b % 2 === 0 ? sum + value : sum - value))).toBe(0n)
  }
})

test('keeps a result within its limit: what is longer becomes a file', async ({ world }) => {
  const context = await projectContext(world)
  const limits: { n: number; inline: boolean }[] = []
  for (const n of [900, 950, 1_000, 1_100]) {
    const { result } = await runKind(mathBinomialExpansion, { input: { n }, context })
    expect(JSON.stringify(result).length).toBeLessThan(MAX_DATA_BYTES)
    limits.push({ n, inline: (result as Result).file === null })
  }
  expect(limits.map(({ inline }) => inline)).toEqual([true, true, false, false])
})

test('a file has every term, one a line', async ({ world }) => {
  const context = await projectContext(world)
  const { result } = await runKind(mathBinomialExpansion, { input: { n: 2_001 }, context })
  const { terms, file } = result as Result
  expect(terms).toBeNull()
  const { name, contentType, bytes } = await context.files.read(file?.fileId ?? '', { maxBytes: 10_000_000 })
  expect({ name, contentType, sizeBytes: bytes.length }).toEqual({
    name: 'binomial-expansion-2001.csv',
    contentType: 'text/csv',
    sizeBytes: file?.sizeBytes,
  })
  const [head, ...lines] = bytes.toString().trimEnd().split('\r\n')
  expect([head, lines[0], lines[1], lines.at(-2), lines.at(-1)]).toEqual([
    'coefficient,a,b',
    '1,2001,0',
    '2001,2000,1',
    '2001,1,2000',
    '1,0,2001',
  ])
  const sum = lines.reduce((total, line) => total + BigInt(line.split(',')[0] ?? ''), 0n)
  expect(sum).toBe(2n ** 2_001n)
})

test('shows its first terms at once', async () => {
  const { safePoints } = await runKind(mathBinomialExpansion, { input: { n: 600 } })
  const { n, terms } = (safePoints[0]?.partial ?? {}) as { n: number; terms: Term[] }
  expect([n, terms.length]).toEqual([600, 20])
  expect(terms.slice(0, 2)).toEqual([
    { coefficient: '1', a: 600, b: 0 },
    { coefficient: '600', a: 599, b: 1 },
  ])
})

test('comes to the same through as many stints as there are safe points, with one file', async ({ world }) => {
  const context = await projectContext(world)
  expect(await runInShortestStints(mathBinomialExpansion, { input: { n: 3 } })).toMatchObject({
    stints: 2,
    result: await expand(3),
  })
  const { stints, result } = await runInShortestStints(mathBinomialExpansion, { input: { n: 1_500 }, context })
  expect(stints).toBe(3)
  const rows = await world.sql`SELECT id FROM files WHERE job_id = ${context.job.id}`
  expect(rows).toEqual([{ id: (result as Result).file?.fileId }])
})

test.for([{}, { n: -1 }, { n: 10_001 }, { n: 1.5 }, { n: '3' }])('refuses %j and names the field', (input) => {
  expect(mathBinomialExpansion.input.safeParse(input).error?.issues[0]?.path).toEqual(['n'])
})
