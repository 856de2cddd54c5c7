import { execFileSync } from 'node:child_process'

const docker = (args: string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim()

/** A field of an image, as `{{.Config.User}}`. */
export const inspect = (image: string, format: string): string =>
  docker(['image', 'inspect', '--format', format, image])

/** The lines that a shell prints in the image. */
export const inImage = (image: string, command: string): string[] =>
  docker(['run', '--rm', '--network', 'none', '--entrypoint', '/bin/sh', image, '-c', command]).split('\n')

/** @returns '403 MB, 25 of them ours' */
export const sizeOf = (image: string, ours: string): string => {
  const [used = ''] = inImage(image, `du -sm ${ours}`)
  return `${(Number(inspect(image, '{{.Size}}')) / 1e6).toFixed(0)} MB, ${Number.parseInt(used, 10)} of them ours`
}
