import { expect, test } from 'vitest'
import { openStage } from './stage.ts'

test('a stage whose address is not known is none, and no other is tried in its place', async () => {
  await expect(openStage('')).rejects.toThrow('STINT_URL is empty')
})
