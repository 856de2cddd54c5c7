import { expect, test } from 'vitest'
import { lacksSocket, reasonOf } from './postgres-words.ts'

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

test('a hint is told with its reason, and that of a line which ended nothing is not', () => {
  const words = `2026-12-01 02:40:11.643 UTC [8] LOG:  database system was interrupted while in recovery at 02:40:11 UTC
2026-12-01 02:40:11.643 UTC [8] HINT:  This probably means that some data is corrupted and you will have to use the last backup for recovery.
2026-12-01 02:40:11.646 UTC [9] FATAL:  the database system is not yet accepting connections
2026-12-01 02:40:11.646 UTC [9] HINT:  Try again.
2026-12-01 02:40:11.729 UTC [8] FATAL:  could not write to file "pg_wal/xlogtemp.8": No space left on device
2026-12-01 02:40:11.729 UTC [8] DETAIL:  A detail.
2026-12-01 02:40:11.729 UTC [8] HINT:  Make room.
`
  expect(reasonOf(words)).toBe(
    'FATAL:  could not write to file "pg_wal/xlogtemp": No space left on device\nHINT:  Make room.',
  )
})

test.for([
  [true, 'FATAL:  could not create lock file "/data/.s.PGSQL.5432.lock": Permission denied'],
  [true, 'FATAL:  lock file "/data/.s.PGSQL.5432.lock" already exists'],
  [true, 'LOG:  could not bind Unix address "/data/.s.PGSQL.5432": Operation not permitted'],
  [true, 'FATAL:  could not create any Unix-domain sockets'],
  [false, 'LOG:  listening on Unix socket "/data/.s.PGSQL.5432"'],
  [false, 'FATAL:  could not write lock file "/data/.s.PGSQL.5432.lock": No space left on device'],
] as const)('that a server lacks its socket (%s) is told by: %s', ([lacks, words]) => {
  expect(lacksSocket(words)).toBe(lacks)
})
