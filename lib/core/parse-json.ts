/** Parses JSON; undefined if the text is none. For untrusted text whose schema then refuses undefined. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
