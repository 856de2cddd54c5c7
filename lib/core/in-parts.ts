/** Items in parts: at most so many in each, and so large together, unless one alone is larger. */
export function* inParts<T>(
  items: Iterable<T>,
  { most, maxSize, sizeOf }: { most: number; maxSize: number; sizeOf: (item: T) => number },
): Generator<T[]> {
  let part: T[] = []
  let size = 0
  for (const item of items) {
    const more = sizeOf(item)
    if (part.length > 0 && (part.length === most || size + more > maxSize)) {
      yield part
      part = []
      size = 0
    }
    part.push(item)
    size += more
  }
  if (part.length > 0) yield part
}
