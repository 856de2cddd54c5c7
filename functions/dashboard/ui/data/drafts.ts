const KEY = 'stint.draft'

interface Draft {
  /** Whose it is, and of which form. */
  of: string
  value: unknown
}

/** What was typed into a form and not sent yet, in this tab. */
export const findDraft = (of: string): unknown => {
  const draft = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Draft | null
  return draft?.of === of ? draft.value : undefined
}

/** There is one: a person types into one form at a time. */
export const keepDraft = (of: string, value: unknown): void => {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ of, value } satisfies Draft))
  } catch {
    // Larger than a browser keeps; an older one must not come back in its place.
    dropDraft()
  }
}

export const dropDraft = (): void => sessionStorage.removeItem(KEY)
