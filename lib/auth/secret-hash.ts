import { createHash } from 'node:crypto'

/** As a random secret is stored and looked up by. Passwords, which can be guessed, take more: passwords.ts. */
export const hashSecret = (secret: string): Buffer => createHash('sha256').update(secret).digest()
