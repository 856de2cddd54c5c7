import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '.stint/**'],
    globalSetup: ['tests/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    // As long as a machine that has other things to do may take: what tests wait for, they wait for with less.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
