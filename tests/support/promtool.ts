import { spawnSync } from 'node:child_process'

/** Runs Prometheus' own tool. @returns undefined where it isn't installed */
export const promtool = (args: string[], input = ''): { ok: boolean; output: string } | undefined => {
  const { error, status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' })
  if (error) return undefined
  return { ok: status === 0, output: stdout + stderr }
}

export const hasPromtool = promtool(['--version']) !== undefined
