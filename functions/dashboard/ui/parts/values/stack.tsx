/** The stack trace of an error, folded, since few people need it. */
export const Stack = ({ text }: { text: string | null }) =>
  text ? (
    <details class="stack">
      <summary>Stack</summary>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <pre class="json" tabIndex={0}>
        {text}
      </pre>
    </details>
  ) : null
