import type { Signal } from '@preact/signals'

interface TabsProps<T extends string | number> {
  label: string
  tabs: readonly (readonly [value: T, text: string])[]
  chosen: Signal<T>
}

/** A few choices side by side, of which one is chosen. */
export const Tabs = <T extends string | number>({ label, tabs, chosen }: TabsProps<T>) => (
  <fieldset class="tabs" aria-label={label}>
    {tabs.map(([value, text]) => (
      <button
        key={value}
        type="button"
        class="button quiet small"
        aria-pressed={chosen.value === value}
        onClick={() => {
          chosen.value = value
        }}
      >
        {text}
      </button>
    ))}
  </fieldset>
)
