/** A method and a path template (`/jobs/{jobId}`; a last `{proxy+}` takes the rest), and what it leads to. */
export interface RouteEntry {
  method: string
  path: string
}

export type Match<T> =
  | { found: 'route'; route: T; pathParameters: Record<string, string> | undefined }
  /** The path is known, but not with this method. */
  | { found: 'path'; methods: string[] }
  | { found: 'nothing' }

/** One segment of the paths: fixed text goes before a parameter, and a parameter before the rest. */
interface Node<T> {
  fixed: Map<string, Node<T>>
  parameter: Node<T> | undefined
  /** What ends here, by method. */
  ends: Map<string, End<T>>
  /** What takes everything from here on, by method. */
  rest: Map<string, End<T>>
}

interface End<T> {
  route: T
  names: string[]
}

const PARAMETER = /^\{([^{}+]+)(\+?)\}$/

/**
 * Compiles routes into a matcher that chooses as API Gateway does: the most specific template wins, and case and a trailing slash
 * matter. Values of parameters stay percent-encoded. Paths without parameters, which most requests have, cost one lookup.
 */
export const createRouter = <T extends RouteEntry>(
  routes: readonly T[],
): ((method: string, path: string) => Match<T>) => {
  const root = newNode<T>()
  for (const route of routes) insert(root, route)
  const plain = new Map(routes.filter((it) => !it.path.includes('{')).map((it) => [`${it.method} ${it.path}`, it]))

  return (method, path) => {
    const route = plain.get(`${method} ${path}`)
    if (route) return { found: 'route', route, pathParameters: undefined }
    const segments = path.split('/')
    const values: string[] = []
    const end = walk(root, segments, 1, method, values)
    if (end) return { found: 'route', route: end.route, pathParameters: named(end.names, values) }
    const methods = new Set<string>()
    collectMethods(root, segments, 1, methods)
    return methods.size > 0 ? { found: 'path', methods: [...methods].sort() } : { found: 'nothing' }
  }
}

const newNode = <T>(): Node<T> => ({ fixed: new Map(), parameter: undefined, ends: new Map(), rest: new Map() })

const insert = <T extends RouteEntry>(root: Node<T>, route: T): void => {
  const names: string[] = []
  let node = root
  for (const segment of route.path.split('/').slice(1)) {
    const [, name, plus] = PARAMETER.exec(segment) ?? []
    if (name !== undefined) names.push(name)
    if (plus) {
      node.rest.set(route.method, { route, names })
      return
    }
    node = name === undefined ? childOf(node, segment) : parameterOf(node)
  }
  node.ends.set(route.method, { route, names })
}

const childOf = <T>(node: Node<T>, segment: string): Node<T> => {
  const child = node.fixed.get(segment) ?? newNode<T>()
  node.fixed.set(segment, child)
  return child
}

const parameterOf = <T>(node: Node<T>): Node<T> => {
  node.parameter ??= newNode<T>()
  return node.parameter
}

/** Depth first, the more specific branch first. `values` collects the parameters; those of a dead end are removed again. */
const walk = <T>(
  node: Node<T>,
  segments: string[],
  at: number,
  method: string,
  values: string[],
): End<T> | undefined => {
  const segment = segments[at]
  if (segment === undefined) return node.ends.get(method)
  const fixed = node.fixed.get(segment)
  const end = fixed && walk(fixed, segments, at + 1, method, values)
  if (end) return end
  if (node.parameter && segment !== '') {
    values.push(segment)
    const found = walk(node.parameter, segments, at + 1, method, values)
    if (found) return found
    values.pop()
  }
  const rest = node.rest.get(method)
  if (rest) values.push(segments.slice(at).join('/'))
  return rest
}

const collectMethods = <T>(node: Node<T>, segments: string[], at: number, methods: Set<string>): void => {
  const segment = segments[at]
  if (segment === undefined) {
    for (const method of node.ends.keys()) methods.add(method)
    return
  }
  const fixed = node.fixed.get(segment)
  if (fixed) collectMethods(fixed, segments, at + 1, methods)
  if (node.parameter && segment !== '') collectMethods(node.parameter, segments, at + 1, methods)
  for (const method of node.rest.keys()) methods.add(method)
}

const named = (names: string[], values: string[]): Record<string, string> | undefined =>
  names.length === 0 ? undefined : Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']))
