import { z } from 'zod'

/** An email as people type it. Its case is kept for showing, and counts for nothing when it is looked up. */
export const email = z.string().trim().max(254, { abort: true }).check(z.email())
