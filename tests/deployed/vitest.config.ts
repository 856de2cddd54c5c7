import { defineConfig } from 'vitest/config'

// `STINT_URL=https://… npm run test:deployed`: what any running Stint must do, asked of one from outside. Nothing is started.
export default defineConfig({
  test: {
    include: ['tests/deployed/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    // A stage that nobody used for a while starts its functions first.
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
})
