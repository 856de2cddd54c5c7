/** A submission of 200 bytes, as an application would make it. What the job echoes is its result, and is stored. */
export const SUBMISSION = {
  kind: 'debug.noop',
  input: { echo: 'order 0193f2a0-7c1e-7b7a-9d64-6c2f1b1e8a55 of ACME Ltd, 12 lines, 1234.56 EUR' },
  name: 'order confirmation',
  tags: ['mail', 'order'],
}

export const BODY = JSON.stringify(SUBMISSION)
