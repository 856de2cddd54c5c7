import { expect, test } from 'vitest'
import { reasonOf } from './postgres-words.ts'

test('of what a server says, what ended it is told, and not what those heard who came too early', () => {
  const words = `2026-11-29 22:32:01.366 UTC [7] LOG:  redo done at 0/20E35D8
2026-11-29 22:32:01.367 UTC [9] FATAL:  the database system is not yet accepting connections
2026-11-29 22:32:01.367 UTC [9] DETAIL:  Consistent recovery state has not been yet reached.
2026-11-29 22:32:01.368 UTC [7] FATAL:  could not write to file "pg_wal/xlogtemp.7": No space left on device
2026-11-29 22:32:01.401 UTC [5] LOG:  database system is shut down
`
  expect(reasonOf(words)).toBe('FATAL:  could not write to file "pg_wal/xlogtemp": No space left on device')
})

test('words of another kind are all told', () => {
  expect(reasonOf('postgres: error while loading shared libraries\n')).toBe(
    'postgres: error while loading shared libraries',
  )
})

test('where files are damaged, what a person can do is told instead of a program that nobody has', () => {
  const words = `2026-11-29 22:32:01.366 UTC [7] FATAL:  "/data/postgres/data" is not a valid data directory
2026-11-29 22:32:01.366 UTC [7] HINT:  You might need to initdb.
`
  expect(reasonOf(words)).toMatch(
    /^FATAL: {2}"\/data\/postgres\/data" is .* directory\nPut a backup .* or move it away: /,
  )
})
