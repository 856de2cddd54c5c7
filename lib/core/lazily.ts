/** The methods of an object that answer with a promise. */
type AsyncMethod<T> = {
  [K in keyof T]: T[K] extends (...args: never[]) => Promise<unknown> ? K : never
}[keyof T]

/** Something that is loaded and made at its first use, and then kept. If it can't be made, the next use tries again. */
export const lazily = <T extends object>(make: () => Promise<T>) => {
  let made: Promise<T> | undefined
  const get = (): Promise<T> => {
    made ??= make().catch((error) => {
      made = undefined
      throw error
    })
    return made
  }
  return {
    get,
    /** What was made, to be closed; undefined if nobody has used it, or it could not be made. */
    made: async (): Promise<T | undefined> => made?.catch(() => undefined),
    /** The same, and the next use makes another. */
    drop: async (): Promise<T | undefined> => {
      const dropped = made
      made = undefined
      return dropped?.catch(() => undefined)
    },
    /** Some of its methods: the first call of one makes it. */
    methods: <K extends AsyncMethod<T>>(...names: K[]): Pick<T, K> =>
      Object.fromEntries(
        names.map((name) => [
          name,
          async (...args: unknown[]) => ((await get())[name] as (...args: unknown[]) => unknown)(...args),
        ]),
      ) as Pick<T, K>,
  }
}
