import { effect, signal } from '@preact/signals'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const KEY = 'stint.theme'

/** A taste, and so the one thing that is kept in the browser. */
export const theme = signal<Theme>(THEMES.find((it) => it === localStorage.getItem(KEY)) ?? 'system')

/** Keeps the page in the chosen theme. */
export const applyTheme = (): void => {
  effect(() => {
    localStorage.setItem(KEY, theme.value)
    if (theme.value === 'system') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = theme.value
  })
}
