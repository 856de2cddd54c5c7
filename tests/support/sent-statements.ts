import type { Pool } from '../../db/client.ts'

/** A statement as the server gets it: what is only a part of another one is none of its own. */
export interface Sent {
  connection: number
  text: string
}

/** What a pool sends from now on, in order, `begin` and `commit` too: the list grows. */
export const sentBy = (pool: Pool): readonly Sent[] => {
  const sent: Sent[] = []
  pool.options.debug = (connection, text) => sent.push({ connection, text })
  return sent
}

/** The statements of each transaction that was committed, without its `begin` and `commit`. */
export const transactionsOf = (sent: readonly Sent[]): string[][] => {
  const open = new Map<number, string[]>()
  const committed: string[][] = []
  for (const { connection, text } of sent) {
    const statements = open.get(connection)
    if (text.startsWith('begin')) open.set(connection, [])
    else if (text === 'commit') committed.push(statements ?? [])
    else statements?.push(text)
    if (text === 'commit' || text === 'rollback') open.delete(connection)
  }
  return committed
}
