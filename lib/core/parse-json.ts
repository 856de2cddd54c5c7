/** What a text says, or undefined when it is no JSON. For texts of strangers, whose schema refuses undefined. */
export const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
