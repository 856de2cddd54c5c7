/** The value that `look` returns; undefined if it throws, as properties of unknown values may. */
export const attempt = <T>(look: () => T): T | undefined => {
  try {
    return look()
  } catch {
    return undefined
  }
}
