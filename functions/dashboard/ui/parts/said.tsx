/** A text of a declaration: what stands in backticks is code. */
export const Said = ({ text }: { text: string }) => (
  <>{text.split('`').map((part, nth) => (nth % 2 === 1 ? <code key={nth}>{part}</code> : part))}</>
)
