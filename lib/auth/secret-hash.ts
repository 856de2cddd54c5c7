import { createHash } from 'node:crypto'

/** How random secrets are stored and looked up. Passwords can be guessed, and need a slow hash: passwords.ts. */
export const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest()
