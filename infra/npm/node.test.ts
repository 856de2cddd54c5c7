import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

/** Runs what `npm ci` ends with, on a Node that calls itself so. */
const checkOn = (node: string) => {
  const script = `Object.defineProperty(process, 'versions', { value: { node: '${node}' } })`
  const args = ['--import', `data:text/javascript,${encodeURIComponent(script)}`, join(import.meta.dirname, 'node.mjs')]
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  return { status, stderr }
}

test('npm ci fails and says why where it brought no Node that can run the project', () => {
  expect(checkOn('20.20.2')).toEqual({ status: 1, stderr: expect.stringContaining('without --omit=optional') })
  expect(checkOn('24.0.0')).toEqual({ status: 0, stderr: '' })
})
