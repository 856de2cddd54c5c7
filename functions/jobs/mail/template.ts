/** The values of the names in a template. */
export type Values = Record<string, string | number | boolean>

const PLACEHOLDER = /\{\{\s*([\w-]+)\s*\}\}/g

/** The names that a template contains. */
export const namesIn = (template: string): string[] => [...template.matchAll(PLACEHOLDER)].map(([, name = '']) => name)

/** Puts values into `{{name}}`. A value is put in as it is and never read as a template. */
export const fill = (template: string, values: Values): string =>
  template.replaceAll(PLACEHOLDER, (_, name: string) => String(values[name] ?? ''))

/** The same in HTML, where a value can be text but no markup, also inside an attribute's quotes. */
export const fillHtml = (template: string, values: Values): string =>
  template.replaceAll(PLACEHOLDER, (_, name: string) => escapeHtml(String(values[name] ?? '')))

/** How long a template becomes, without making it: a short one with many places can become very long. */
export const filledLength = (template: string, values: Values): number =>
  [...template.matchAll(PLACEHOLDER)].reduce(
    (length, [place, name = '']) => length - place.length + String(values[name] ?? '').length,
    template.length,
  )

export const escapeHtml = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
