/** The address with some of its query changed. */
export const addressWith = (
  path: string,
  query: Record<string, string>,
  changes: Record<string, string | undefined>,
): string => {
  const search = new URLSearchParams(query)
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) search.delete(name)
    else search.set(name, value)
  }
  return search.size > 0 ? `${path}?${search}` : path
}
