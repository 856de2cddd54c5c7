/** Reads all pages of a list. */
export const allOf = async <T>(each: AsyncIterable<T>): Promise<{ items: T[] }> => ({
  items: await Array.fromAsync(each),
})
