import type { OnParentFailure } from '../../db/queries/jobs.ts'

/** What a caller says of a job. The kind's own numbers apply where it says nothing. */
export interface Submission {
  kind: string
  input: unknown
  name?: string | undefined
  priority?: number | undefined
  delaySeconds?: number | undefined
  /** RFC 3339. */
  runAt?: string | undefined
  expiresInSeconds?: number | undefined
  /** RFC 3339. */
  expiresAt?: string | undefined
  maxAttempts?: number | undefined
  timeoutSeconds?: number | undefined
  tags?: string[] | undefined
  onParentFailure?: OnParentFailure | undefined
  uniqueKey?: string | undefined
  uniqueForSeconds?: number | undefined
  onDuplicate?: 'return' | 'replace' | undefined
}
