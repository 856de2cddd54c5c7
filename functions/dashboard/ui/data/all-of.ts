/** A list that is shown whole, however many pages it comes in. */
export const allOf = async <T>(each: AsyncIterable<T>): Promise<{ items: T[] }> => ({
  items: await Array.fromAsync(each),
})
