/** Splits items into parts of at most `most` items and of a total size of at most `maxSize`, unless one item is larger. */
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
