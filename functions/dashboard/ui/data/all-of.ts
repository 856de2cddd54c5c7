/** A list that is shown whole, however many pages it comes in. */
export const allOf = async <T>(each: AsyncIterable<T>): Promise<{ items: T[] }> => {
  const items: T[] = []
  for await (const it of each) items.push(it)
  return { items }
}
