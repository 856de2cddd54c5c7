import { describe, expect, test } from 'vitest'
import { inDataFolder } from './data-folder.ts'

const failing = (code: string, message: string) => () => {
  throw Object.assign(new Error(message), { code })
}

describe('a data folder that cannot be used', () => {
  test('is to be made usable, or another chosen', async () => {
    const using = inDataFolder('/data', failing('EACCES', 'EACCES: permission denied'))
    await expect(using).rejects.toThrow(/^The data folder \/data cannot be used: EACCES.*\n.*STINT_DATA_DIR=/)
  })

  test('is not to blame where no more files may be opened', async () => {
    const using = inDataFolder('/data', failing('EMFILE', "EMFILE: too many open files, open '/data/run.json'"))
    await expect(using).rejects.toThrow(/^EMFILE.*\n.*ulimit -n 1024$/)
    await expect(using).rejects.not.toThrow('STINT_DATA_DIR')
  })
})
