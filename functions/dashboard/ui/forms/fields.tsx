import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useId } from 'preact/hooks'
import { Said } from '../parts/said.tsx'
import { hintOf, labelOf, type Schema } from './schema.ts'

export interface FieldProps {
  name: string
  /** As the API names the field in its errors: `input.sizes[0].width`. */
  path: string
  schema: Schema
  isRequired: boolean
  value: unknown
  onChange: (value: unknown) => void
  errors: ReadonlyMap<string, string>
}

interface ControlProps {
  id: string
  name: string
  'aria-invalid': boolean
  'aria-describedby': string | undefined
  'aria-required': boolean
}

/** A control with its label, its notes, and its errors. */
export const Field = ({
  props: { name, path, schema, isRequired, errors },
  error = errors.get(path),
  children,
}: {
  props: Pick<FieldProps, 'name' | 'path' | 'schema' | 'isRequired' | 'errors'>
  error?: string | undefined
  children: (control: ControlProps) => ComponentChildren
}) => {
  const id = useId()
  const hint = hintOf(schema)
  const told = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ')
  return (
    <div class="field" data-path={path}>
      <label for={id}>
        {labelOf(name)} {!isRequired && <small>optional</small>}
      </label>
      {children({
        id,
        name: path,
        'aria-invalid': error !== undefined,
        'aria-describedby': told || undefined,
        'aria-required': isRequired,
      })}
      <Notes id={id} error={error} hint={hint} />
    </div>
  )
}

/** The errors and the notes of a field. Its control refers to both by their ids. */
const Notes = ({ id, error, hint }: { id: string; error: string | undefined; hint: string | undefined }) => (
  <>
    {error && (
      <p id={`${id}-error`} class="field-error">
        {error}
      </p>
    )}
    {hint && (
      <p id={`${id}-hint`} class="field-hint">
        <Said text={hint} />
      </p>
    )}
  </>
)

export const LineField = (props: FieldProps) => (
  <Field props={props}>
    {(control) => (
      <input
        {...control}
        type="text"
        autoComplete="off"
        placeholder={exampleOf(props.schema)}
        value={String(props.value ?? '')}
        onInput={(event) => props.onChange(event.currentTarget.value || undefined)}
      />
    )}
  </Field>
)

const exampleOf = ({ example, default: otherwise, format }: Schema): string | undefined => {
  const shown = example ?? otherwise ?? (format === 'date-time' ? '2026-11-23T09:00:00+01:00' : undefined)
  return shown === undefined ? undefined : String(shown)
}

/** A text of several lines. */
export const LinesField = (props: FieldProps) => (
  <Field props={props}>
    {(control) => (
      <textarea
        {...control}
        rows={6}
        value={String(props.value ?? '')}
        onInput={({ currentTarget: it }) => props.onChange(it.value || undefined)}
      />
    )}
  </Field>
)

export const NumberField = (props: FieldProps) => (
  <Field props={props}>
    {(control) => (
      <input
        {...control}
        type="number"
        inputMode="decimal"
        step={props.schema.type === 'integer' ? 1 : 'any'}
        placeholder={props.schema.default === undefined ? undefined : String(props.schema.default)}
        value={props.value === undefined ? '' : String(props.value)}
        onInput={({ currentTarget: it }) => props.onChange(it.value === '' ? undefined : it.valueAsNumber)}
      />
    )}
  </Field>
)

export const ChoiceField = (props: FieldProps) => (
  <Field props={props}>
    {(control) => (
      <select
        {...control}
        value={String(props.value ?? '')}
        onChange={({ currentTarget: it }) =>
          props.onChange(optionsOf(props.schema).find((option) => String(option) === it.value))
        }
      >
        {(!props.isRequired || props.value === undefined) && (
          <option value="">{props.schema.default === undefined ? '' : `${props.schema.default} (default)`}</option>
        )}
        {optionsOf(props.schema).map((option) => (
          <option key={String(option)}>{String(option)}</option>
        ))}
      </select>
    )}
  </Field>
)

const optionsOf = (schema: Schema): unknown[] => schema.enum ?? [true, false]

/** A few choices with a checkbox each. At first, those of the default are checked. */
export const ChoicesField = ({ name, path, schema, isRequired, value, onChange, errors }: FieldProps) => {
  const id = useId()
  const hint = hintOf(schema)
  const error = errors.get(path)
  const options = schema.items?.enum ?? []
  const isChosen = (option: unknown): boolean => ((value ?? schema.default ?? []) as unknown[]).includes(option)
  const told = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(' ')
  return (
    <fieldset class="field choices" data-path={path} aria-describedby={told || undefined}>
      <legend>
        {labelOf(name)} {!isRequired && <small>optional</small>}
      </legend>
      <div>
        {options.map((option) => (
          <label key={String(option)}>
            <input
              type="checkbox"
              name={path}
              value={String(option)}
              aria-invalid={error !== undefined}
              checked={isChosen(option)}
              onChange={() => onChange(options.filter((it) => isChosen(it) !== (it === option)))}
            />
            {String(option)}
          </label>
        ))}
      </div>
      <Notes id={id} error={error} hint={hint} />
    </fieldset>
  )
}

export const SwitchField = (props: FieldProps) => (
  <Field props={props}>
    {(control) => (
      <input
        {...control}
        type="checkbox"
        checked={Boolean(props.value ?? props.schema.default ?? false)}
        onChange={(event) => props.onChange(event.currentTarget.checked)}
      />
    )}
  </Field>
)

/** Texts, one a line. An empty last line is ignored: somebody is about to type there. */
export const ListField = (props: FieldProps) => {
  const text = useSignal(Array.isArray(props.value) ? props.value.join('\n') : '')
  const read = (typed: string): void => {
    text.value = typed
    const lines = typed.replace(/\n+$/, '')
    props.onChange(lines === '' ? undefined : lines.split('\n'))
  }
  return (
    <Field props={props}>
      {(control) => (
        <textarea
          {...control}
          rows={3}
          placeholder="One per line"
          value={text.value}
          onInput={({ currentTarget: it }) => read(it.value)}
        />
      )}
    </Field>
  )
}

/** Any JSON. A mistake is shown at once, and the text is kept so that it can be corrected. */
export const JsonField = (props: FieldProps) => {
  const text = useSignal(props.value === undefined ? '' : JSON.stringify(props.value, null, 2))
  const isWrong = useSignal(false)
  const read = (typed: string): void => {
    text.value = typed
    const parsed = parse(typed)
    isWrong.value = parsed === 'wrong'
    props.onChange(parsed === 'wrong' ? undefined : parsed?.value)
  }
  return (
    <Field props={props} error={isWrong.value ? 'Not valid JSON yet.' : props.errors.get(props.path)}>
      {(control) => (
        <textarea
          {...control}
          rows={4}
          spellcheck={false}
          placeholder="JSON"
          value={text.value}
          onInput={(event) => read(event.currentTarget.value)}
        />
      )}
    </Field>
  )
}

const parse = (text: string): { value: unknown } | undefined | 'wrong' => {
  if (text.trim() === '') return undefined
  try {
    return { value: JSON.parse(text) }
  } catch {
    return 'wrong'
  }
}
