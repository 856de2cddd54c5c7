/** What V8's profiler gives: a tree of calls, and which node each sample was in. */
export interface CpuProfile {
  nodes: { id: number; callFrame: CallFrame; children?: number[] }[]
  samples: number[]
  timeDeltas: number[]
}

interface CallFrame {
  functionName: string
  url: string
  lineNumber: number
}

/** A function called by another, with all that was called by it. Times in milliseconds. */
export interface Frame {
  name: string
  /** Where its code is from: `stint`, a package's name, `node`, or `v8` for anything that isn't a function. */
  origin: string
  selfMs: number
  totalMs: number
  children: Map<string, Frame>
}

const NOT_BUSY = new Set(['(idle)', '(program)'])
/** The profiler's own code appears in its profile. */
const PROFILER = 'profiled-process.ts'

export const ROOT = 'all'

/** The busy time of a profile as one tree of functions; what waited is left out, and what the profiler itself took. */
export const treeOf = (profile: CpuProfile): Frame => {
  const byId = new Map(profile.nodes.map((node) => [node.id, node]))
  const parentOf = new Map(profile.nodes.flatMap((node) => (node.children ?? []).map((child) => [child, node.id])))
  const root: Frame = { name: ROOT, origin: 'v8', selfMs: 0, totalMs: 0, children: new Map() }
  const places = new Map<number, Frame[]>()
  const placeOf = (id: number): Frame[] => {
    const known = places.get(id)
    if (known) return known
    const node = byId.get(id)
    const parent = parentOf.get(id)
    if (!node || parent === undefined) return [root]
    const above = placeOf(parent)
    const place = [...above, childOf(above.at(-1) ?? root, node.callFrame)]
    places.set(id, place)
    return place
  }
  for (const [index, id] of profile.samples.entries()) {
    const ms = (profile.timeDeltas[index] ?? 0) / 1_000
    if (NOT_BUSY.has(byId.get(id)?.callFrame.functionName ?? '')) continue
    const place = placeOf(id)
    if (place.some(({ name }) => name.includes(PROFILER))) continue
    for (const frame of place) frame.totalMs += ms
    const last = place.at(-1)
    if (last) last.selfMs += ms
  }
  return root
}

const childOf = (parent: Frame, { functionName, url, lineNumber }: CallFrame): Frame => {
  const origin = originOf(functionName, url)
  const name = functionName || `(anonymous ${url.split('/').at(-1)}:${lineNumber + 1})`
  const key = `${name} ${url}`
  const known = parent.children.get(key)
  if (known) return known
  const made: Frame = { name, origin, selfMs: 0, totalMs: 0, children: new Map() }
  parent.children.set(key, made)
  return made
}

const originOf = (functionName: string, url: string): string => {
  if (functionName.startsWith('(') && url === '') return 'v8'
  if (url === '' || url.startsWith('node:')) return 'node'
  return /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? 'stint'
}

const SHOWN = 45

/** Where the time went, by origin and by function: its own time, without what it called. */
export const costliest = (profile: CpuProfile): string => {
  const root = treeOf(profile)
  const byOrigin = new Map<string, number>()
  const byName = new Map<string, number>()
  const visit = (frame: Frame): void => {
    byOrigin.set(frame.origin, (byOrigin.get(frame.origin) ?? 0) + frame.selfMs)
    const name = `${frame.name} [${frame.origin}]`
    byName.set(name, (byName.get(name) ?? 0) + frame.selfMs)
    for (const child of frame.children.values()) visit(child)
  }
  visit(root)
  const list = (times: Map<string, number>) =>
    [...times]
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, SHOWN)
      .map(
        ([name, ms]) =>
          `${ms.toFixed(0).padStart(7)} ms ${((ms / root.totalMs) * 100).toFixed(1).padStart(5)} %  ${name}`,
      )
      .join('\n')
  return `${list(byOrigin)}\n\n${list(byName)}`
}
