import { effect, signal } from '@preact/signals'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const KEY = 'stint.theme'

/** A matter of taste, not of the account: this is all that is kept in the browser's storage for good. */
export const theme = signal<Theme>(THEMES.find((it) => it === localStorage.getItem(KEY)) ?? 'system')

/** Keeps the page in the chosen theme. */
export const applyTheme = (): void => {
  effect(() => {
    localStorage.setItem(KEY, theme.value)
    if (theme.value === 'system') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = theme.value
  })
}
