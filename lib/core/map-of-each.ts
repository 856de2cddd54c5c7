/** Gives each owner a map of its own, which lasts as long as the owner: what a process remembers beside its app. */
export const mapOfEach = <Owner extends object, Value>(): ((owner: Owner) => Map<string, Value>) => {
  const maps = new WeakMap<Owner, Map<string, Value>>()
  return (owner) => {
    const map = maps.get(owner) ?? new Map<string, Value>()
    maps.set(owner, map)
    return map
  }
}
