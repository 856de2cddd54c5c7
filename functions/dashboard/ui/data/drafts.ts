const KEY = 'stint.draft'

interface Draft {
  /** Identifies the person and the form. */
  of: string
  value: unknown
}

/** What was typed into a form and not sent yet, in this tab. */
export const findDraft = (of: string): unknown => {
  const draft = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Draft | null
  return draft?.of === of ? draft.value : undefined
}

/** Only one is kept: a person fills in one form at a time. */
export const keepDraft = (of: string, value: unknown): void => {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ of, value } satisfies Draft))
  } catch {
    // Too large for the browser's storage. Then no older draft may be restored in its place.
    dropDraft()
  }
}

export const dropDraft = (): void => sessionStorage.removeItem(KEY)
