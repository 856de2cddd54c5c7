/** Whether every error belongs to a field of the form, which shows it. If not, the form shows the whole problem. */
export const isPlaced = (form: HTMLFormElement | null, errors: ReadonlyMap<string, string>): boolean =>
  errors.size > 0 && [...errors.keys()].every((path) => isShown(form, path))

const isShown = (form: HTMLFormElement | null, path: string): boolean =>
  form?.querySelector(`[data-path="${CSS.escape(path)}"], [data-path="${CSS.escape(`.${path}`)}"]`) !== null
