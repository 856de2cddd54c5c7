import { useSignal } from '@preact/signals'

/** Any value as JSON, with a button to copy it. */
export const JsonCard = ({ title, value }: { title: string; value: unknown }) => (
  <section class="card" aria-label={title}>
    <div class="card-head">
      <h2>{title}</h2>
      <CopyButton text={JSON.stringify(value, null, 2)} />
    </div>
    <Json value={value} />
  </section>
)

/** Longer texts are cut on the page, but copied whole. */
const MAX_SHOWN = 20_000

export const Json = ({ value }: { value: unknown }) => {
  const text = JSON.stringify(value, null, 2) ?? 'null'
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <pre class="json" tabIndex={0}>
      {text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}\n…` : text}
    </pre>
  )
}

export const CopyButton = ({ text }: { text: string }) => {
  const said = useSignal('Copy')
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text)
      said.value = 'Copied'
    } catch {
      // Browsers offer the clipboard only with TLS, and may be configured to refuse it.
      said.value = 'Can’t copy here'
    }
    setTimeout(() => {
      said.value = 'Copy'
    }, 1_500)
  }
  return (
    <button type="button" class="button quiet small" onClick={() => void copy()}>
      {said.value}
    </button>
  )
}
