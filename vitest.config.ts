import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'
import { COMPILE_CACHE } from './infra/local/shared/compile-cache.ts'

// The workers, and what tests start, keep what they have compiled, as `npm start` does.
process.env['NODE_COMPILE_CACHE'] ??= COMPILE_CACHE

/** vitest begins with the largest files. Scenarios are short and take long: one that came last would run alone for half a minute. */
class ScenariosFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isScenario = ({ moduleId }: TestSpecification) => moduleId.includes('/tests/scenarios/')
    const { true: scenarios = [], false: others = [] } = Object.groupBy(
      await super.sort(files),
      (it) => `${isScenario(it)}`,
    )
    return [...scenarios, ...others]
  }
}

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '.stint/**'],
    globalSetup: ['tests/support/global-setup.ts'],
    pool: 'forks',
    // Tests wait for longer than they compute: two at a time left two cores idle for a third of the run.
    maxWorkers: 3,
    sequence: { sequencer: ScenariosFirst },
    // What a test waits for is there at once, or minutes later where the machine is busy, and a process that yields to all
    // others may take half of one to start: patience costs nothing.
    expect: { poll: { timeout: 60_000 } },
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
