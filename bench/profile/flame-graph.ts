import { type CpuProfile, type Frame, ROOT, treeOf } from './stacks.ts'

const WIDTH = 1_200
const ROW = 17
const TOP = 40
/** Narrower than that nothing can be read, and the file would only grow. */
const NARROWEST = 3
const CHARACTER = 6.3

const COLOURS: Record<string, string> = { stint: '#e8762c', node: '#9aa5b1', v8: '#c9ced6' }
const PACKAGE = '#5b8fd6'

/**
 * A CPU profile as a flame graph: what is wide took long, what lies on top was called by what is below. Calls of one
 * package within itself are one frame.
 */
export const flameGraph = (profile: CpuProfile, title: string): string => {
  const root = merge(treeOf(profile))
  const scale = WIDTH / root.totalMs
  const rows: string[] = []
  let depth = 0
  const draw = (frame: Frame, x: number, level: number): void => {
    const width = frame.totalMs * scale
    if (width < NARROWEST) return
    depth = Math.max(depth, level)
    rows.push(box(frame, x, level, width, (frame.totalMs / root.totalMs) * 100))
    let at = x
    for (const child of [...frame.children.values()].toSorted((a, b) => b.totalMs - a.totalMs)) {
      draw(child, at, level + 1)
      at += child.totalMs * scale
    }
  }
  draw(root, 0, 0)
  const height = TOP + (depth + 1) * ROW + 4
  const turned = rows.map((it) =>
    it.replace(/LEVEL(\d+)/g, (_, level) => String(height - (Number(level) + 1) * ROW - 2)),
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="11">`,
    `<title>${escaped(title)}</title>`,
    '<style>text{pointer-events:none}</style>',
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="4" y="16" font-size="14">${escaped(title)}</text>`,
    `<text x="4" y="32" fill="#555">orange: Stint, blue: a package, grey: Node and V8; wide: long</text>`,
    ...turned,
    '</svg>',
    '',
  ].join('\n')
}

/**
 * Frames of one origin that only call each other are drawn as one, so that what is ours can be seen; and what Node's
 * event loop calls stands at the bottom.
 */
const merge = (frame: Frame): Frame => {
  const children = new Map<string, Frame>()
  const put = (key: string, child: Frame): void => {
    const known = children.get(key)
    if (!known) return void children.set(key, { ...child, children: new Map(child.children) })
    known.totalMs += child.totalMs
    known.selfMs += child.selfMs
    if (known.name !== child.name) known.name = ''
    for (const [name, it] of child.children) addTo(known.children, name, it)
  }
  const take = (child: Frame): void => {
    const isGround = frame.name === ROOT && child.origin === 'node'
    if (isGround || (child.origin === frame.origin && frame.origin !== 'stint')) {
      if (isGround) put('node', { ...child, name: '', totalMs: child.selfMs, children: new Map() })
      for (const grandchild of child.children.values()) take(grandchild)
    } else put(child.origin === 'stint' ? child.name : child.origin, child)
  }
  for (const child of frame.children.values()) take(child)
  return { ...frame, children: new Map([...children].map(([key, child]) => [key, merge(child)])) }
}

const addTo = (children: Map<string, Frame>, name: string, added: Frame): void => {
  const known = children.get(name)
  if (!known) return void children.set(name, { ...added, children: new Map(added.children) })
  known.totalMs += added.totalMs
  known.selfMs += added.selfMs
  for (const [inner, it] of added.children) addTo(known.children, inner, it)
}

const box = ({ name, origin }: Frame, x: number, level: number, width: number, percent: number): string => {
  const label = origin === 'stint' || origin === 'v8' ? name : name ? `${origin}: ${name}` : origin
  const letters = Math.floor((width - 6) / CHARACTER)
  const text = letters < 3 ? '' : label.length > letters ? `${label.slice(0, letters - 1)}…` : label
  const colour = COLOURS[origin] ?? PACKAGE
  return (
    `<g><title>${escaped(label)}, ${percent.toFixed(1)} %</title>` +
    `<rect x="${x.toFixed(1)}" y="LEVEL${level}" width="${Math.max(0, width - 0.5).toFixed(1)}" height="${ROW - 1}" fill="${colour}"/>` +
    (text && `<text x="${(x + 3).toFixed(1)}" y="LEVEL${level}" dy="12">${escaped(text)}</text>`) +
    '</g>'
  )
}

const escaped = (text: string): string => text.replace(/[<>&"]/g, (it) => `&#${it.charCodeAt(0)};`)
