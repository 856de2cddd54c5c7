/** A submission of 200 bytes, as an application would make it. */
export const SUBMISSION = {
  kind: 'debug.noop',
  input: {
    echo: { order: '0193f2a0-7c1e-7b7a-9d64-6c2f1b1e8a55', customer: 'ACME Ltd', lines: 12, total: 1234.56, eur: true },
  },
  name: 'order confirmation',
  tags: ['mail'],
}

export const BODY = JSON.stringify(SUBMISSION)
