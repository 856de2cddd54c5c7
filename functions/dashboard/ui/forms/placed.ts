/** Whether the form has a field for all that is wrong, at which it is said. What it has none for is said for the whole. */
export const isPlaced = (form: HTMLFormElement | null, errors: ReadonlyMap<string, string>): boolean =>
  errors.size > 0 && [...errors.keys()].every((path) => isShown(form, path))

const isShown = (form: HTMLFormElement | null, path: string): boolean =>
  form?.querySelector(`[data-path="${CSS.escape(path)}"], [data-path="${CSS.escape(`.${path}`)}"]`) !== null
