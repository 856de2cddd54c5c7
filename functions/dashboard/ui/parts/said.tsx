/** Text of a declaration, with what is in backticks shown as code. */
export const Said = ({ text }: { text: string }) => (
  <>{text.split('`').map((part, nth) => (nth % 2 === 1 ? <code key={nth}>{part}</code> : part))}</>
)
