import type { Signal } from '@preact/signals'
import { useId } from 'preact/hooks'

/** One line of text with its label, a hint and an error. */
export const TextField = ({
  label,
  name,
  value,
  type = 'text',
  autoComplete = 'off',
  placeholder,
  hint,
  error,
}: {
  label: string
  name: string
  value: Signal<string>
  type?: 'text' | 'email' | 'password'
  autoComplete?: string
  placeholder?: string
  hint?: string | undefined
  error?: string | undefined
}) => {
  const id = useId()
  const told = error ?? hint
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        name={name}
        // The types of Preact want one element per type.
        type={type as 'text'}
        value={value.value}
        autoComplete={autoComplete}
        placeholder={placeholder}
        aria-invalid={error !== undefined}
        aria-describedby={told ? `${id}-told` : undefined}
        onInput={(event) => {
          value.value = event.currentTarget.value
        }}
      />
      {told && (
        <p id={`${id}-told`} class={error ? 'field-error' : 'field-hint'}>
          {told}
        </p>
      )}
    </div>
  )
}

/** The person's own email, which browsers fill in. */
export const EmailField = ({ value, error }: { value: Signal<string>; error: string | undefined }) => (
  <TextField label="Email" name="email" type="email" value={value} autoComplete="email" error={error} />
)
