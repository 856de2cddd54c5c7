import * as fs from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { builtUi } from './built-ui.ts'

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof fs>()
  return { ...real, readFile: vi.fn(real.readFile) }
})

test('a file that could not be read once is read the next time', async () => {
  vi.mocked(fs.readFile).mockRejectedValueOnce(new Error('EMFILE: too many open files'))
  await expect(builtUi()).rejects.toThrow('EMFILE')
  expect([...(await builtUi()).keys()]).toContain('index.html')
})
