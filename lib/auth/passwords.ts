import { hash, verify } from '@node-rs/argon2'

/** argon2id (the package's default algorithm) with OWASP's parameters: 19 MiB, two passes, one lane. */
const OPTIONS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** The hash of a random password that nobody knows, made with {@link OPTIONS}. Exported for its test. */
export const DECOY = '$argon2id$v=19$m=19456,t=2,p=1$bfDdUlzOWnww3nJkKcpd7A$GNnL7FNAGdYyXbY1USkJI7ZtBdV1+R5UERKC7fi9mmM'

/** Normalised, so that one password typed on two keyboards (é as one character, or as e and an accent) is one. */
const bytesOf = (password: string): string => password.normalize('NFKC')

export const hashPassword = (password: string): Promise<string> => hash(bytesOf(password), OPTIONS)

/** Checks a password. Without a hash (no such account) it takes as long, so that the time doesn't tell who has an account. */
export const checkPassword = async (passwordHash: string | undefined, password: string): Promise<boolean> => {
  const matches = await verify(passwordHash ?? DECOY, bytesOf(password))
  return matches && passwordHash !== undefined
}
