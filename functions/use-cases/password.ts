import { z } from 'zod'

/** Length in characters (code points), as JSON Schema counts it. */
export const newPassword = z
  .string()
  .check(z.refine((text) => [...text].length >= 10 && [...text].length <= 200, 'expected 10 to 200 characters'))
  .meta({ minLength: 10, maxLength: 200 })

/** Any length: a password that can't be one is a wrong one. Bounded, because hashing takes time by length. */
export const givenPassword = z.string().max(1_000)
