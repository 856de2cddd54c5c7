/** What a look at a stranger's value gives; undefined where it throws. */
export const attempt = <T>(look: () => T): T | undefined => {
  try {
    return look()
  } catch {
    return undefined
  }
}
