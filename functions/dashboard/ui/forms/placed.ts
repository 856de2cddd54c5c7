/** Whether every error belongs to a field of the form, which shows it. If not, the form shows the whole problem. */
export const isPlaced = (form: HTMLFormElement | null, errors: ReadonlyMap<string, string>): boolean =>
  errors.size > 0 &&
  [...errors.keys()].every((path) => form?.querySelector(`[data-path="${CSS.escape(path)}"]`) !== null)
