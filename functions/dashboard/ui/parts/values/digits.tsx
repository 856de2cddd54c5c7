import { count } from '../format.ts'

const GROUP = 10
/** Nobody would read more of them. */
const SHOWN = 2_000

/** A number of many digits, in groups of ten. */
export const Digits = ({ text }: { text: string }) => {
  const [whole = '', fraction] = text.split('.')
  const digits = fraction ?? whole
  const groups = digits.slice(0, SHOWN).match(new RegExp(`.{1,${GROUP}}`, 'g')) ?? []
  return (
    <figure class="digits">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <p tabIndex={0}>
        {fraction !== undefined && <b>{whole}.</b>}
        {groups.map((group, nth) => (
          <span key={nth}>{group}</span>
        ))}
        {digits.length > SHOWN && <span>…{digits.slice(-GROUP)}</span>}
      </p>
      <figcaption>
        {count(digits.length)} digits{fraction !== undefined && ' after the point'}
      </figcaption>
    </figure>
  )
}
