/** What V8's profiler gives: functions, and which of them ran at each sample. */
export interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
  samples: number[]
  /** In microseconds. */
  timeDeltas: number[]
}

const NOT_BUSY = ['(idle)', '(program)']
const SHOWN = 45

/** Where the busy time went, by origin and by function: its own time, without what it called. */
export const costliest = ({ nodes, samples, timeDeltas }: CpuProfile): string => {
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]))
  const byOrigin = new Map<string, number>()
  const byName = new Map<string, number>()
  let totalMs = 0
  for (const [index, id] of samples.entries()) {
    const { functionName = '', url = '', lineNumber = 0 } = frames.get(id) ?? {}
    if (NOT_BUSY.includes(functionName)) continue
    const ms = (timeDeltas[index] ?? 0) / 1_000
    const origin = originOf(functionName, url)
    const name = `${functionName || `(anonymous ${url.split('/').at(-1)}:${lineNumber + 1})`} [${origin}]`
    totalMs += ms
    byOrigin.set(origin, (byOrigin.get(origin) ?? 0) + ms)
    byName.set(name, (byName.get(name) ?? 0) + ms)
  }
  const list = (times: Map<string, number>) =>
    [...times]
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, SHOWN)
      .map(
        ([name, ms]) => `${ms.toFixed(0).padStart(7)} ms ${((ms / totalMs) * 100).toFixed(1).padStart(5)} %  ${name}`,
      )
      .join('\n')
  return `${list(byOrigin)}\n\n${list(byName)}`
}

/** Where code is from: `stint`, a package's name, `node`, or `v8` for anything that isn't a function. */
const originOf = (functionName: string, url: string): string => {
  if (functionName.startsWith('(') && url === '') return 'v8'
  if (url === '' || url.startsWith('node:')) return 'node'
  return /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? 'stint'
}
