/** Gives each owner a value of its own, made when it is first asked for, which lasts as long as the owner. */
export const memoizeByOwner = <Owner extends object, Value>(
  make: (owner: Owner) => Value,
): ((owner: Owner) => Value) => {
  const values = new WeakMap<Owner, Value>()
  return (owner) => {
    if (!values.has(owner)) values.set(owner, make(owner))
    return values.get(owner) as Value
  }
}

/** Gives each owner a map of its own: what a process remembers beside its app. */
export const mapByOwner = <Owner extends object, Value>(): ((owner: Owner) => Map<string, Value>) =>
  memoizeByOwner(() => new Map<string, Value>())
