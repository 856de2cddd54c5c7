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

test('what is built, under test as elsewhere, is for people who use it and not for who wrote it', async () => {
  const scripts = [...(await builtUi())].filter(([name]) => name.endsWith('.js'))
  expect(scripts.length).toBeGreaterThan(0)
  for (const [, file] of scripts) expect(file.bytes.toString()).not.toMatch(/lineNumber:|functions\/dashboard\/ui/)
})
