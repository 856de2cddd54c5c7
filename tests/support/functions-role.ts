import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { withDatabase } from './given-stack.ts'
import type { World } from './world.ts'

/** The two users of a world's database: the owner of its tables, and one for its functions, who need not be there yet. */
export interface FunctionsRole {
  name: string
  ownerUrl: string
  functionsUrl: string
  /** Roles are the whole server's: this one has to go before the world's database does. */
  drop(): Promise<void>
}

/** Past a pooler, which knows the owner only. */
export const functionsRole = ({ sql, app }: World): FunctionsRole => {
  const ownerUrl = withDatabase(inject('stack').adminUrl, new URL(app.config.database.url).pathname.slice(1))
  const name = `functions of ${randomBytes(4).toString('hex')}`
  return {
    name,
    ownerUrl,
    functionsUrl: Object.assign(new URL(ownerUrl), { username: name, password: 'a/b@c' }).href,
    drop: async () => {
      await sql.unsafe(`DROP OWNED BY "${name}"; DROP ROLE "${name}"`)
    },
  }
}
