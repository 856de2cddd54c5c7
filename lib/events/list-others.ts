import { transaction } from '../../db/client.ts'
import * as outbox from '../../db/queries/outbox.ts'
import type { App } from '../app.ts'

/** Names that are read at once. */
const PAGE = 10_000

/** Names that are kept: some 150 bytes each. */
const MAX_OTHERS = 50_000

/**
 * The events that wait and are not held back, oldest first, however many that are held back come before them. It reads one
 * consistent snapshot, so that no earlier event of a job among them is left out.
 */
export const listOthers = (app: App, isHeld: (jobId: string) => boolean): Promise<outbox.NotedEvent[]> =>
  transaction(app.sql, async (tx) => {
    await outbox.freeze(tx)
    const others: outbox.NotedEvent[] = []
    for (let after = 0; others.length < MAX_OTHERS; ) {
      const noted = await outbox.listNoted(tx, after, PAGE)
      for (const it of noted) if (!isHeld(it.jobId)) others.push(it)
      if (noted.length < PAGE) break
      after = noted.at(-1)?.outboxId ?? after
    }
    return others
  })
