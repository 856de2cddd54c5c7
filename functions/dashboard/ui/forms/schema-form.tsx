import { useId } from 'preact/hooks'
import { Said } from '../parts/said.tsx'
import {
  ChoiceField,
  ChoicesField,
  type FieldProps,
  JsonField,
  LineField,
  LinesField,
  ListField,
  NumberField,
  SwitchField,
} from './fields.tsx'
import { FileField } from './file-field.tsx'
import { controlOf, emptyOf, hintOf, labelOf, type Schema } from './schema.ts'

type Values = Record<string, unknown>

/** The fields of an object, as its schema declares them. */
export const SchemaFields = ({
  schema,
  path,
  values,
  onChange,
  errors,
}: {
  schema: Schema
  path: string
  values: Values
  onChange: (values: Values) => void
  errors: ReadonlyMap<string, string>
}) => (
  <>
    {Object.entries(schema.properties ?? {}).map(([name, it]) => (
      <SchemaField
        key={name}
        name={name}
        path={path === '' ? name : `${path}.${name}`}
        schema={it}
        isRequired={schema.required?.includes(name) ?? false}
        value={values[name]}
        onChange={(value) => onChange(withValue(values, name, value))}
        errors={errors}
      />
    ))}
  </>
)

const SchemaField = (props: FieldProps) => {
  switch (controlOf(props.name, props.schema)) {
    case 'number':
      return <NumberField {...props} />
    case 'choice':
      return <ChoiceField {...props} />
    case 'choices':
      return <ChoicesField {...props} />
    case 'switch':
      return <SwitchField {...props} />
    case 'file':
      return <FileField {...props} />
    case 'lines':
      return <LinesField {...props} />
    case 'list':
      return <ListField {...props} />
    case 'group':
      return <Group {...props} />
    case 'groups':
      return <Groups {...props} />
    case 'json':
      return <JsonField {...props} />
    default:
      return <LineField {...props} />
  }
}

const Group = ({ name, schema, path, value, onChange, errors }: FieldProps) => (
  <fieldset class="group">
    <legend>{labelOf(name)}</legend>
    <SchemaFields schema={schema} path={path} values={(value ?? {}) as Values} onChange={onChange} errors={errors} />
  </fieldset>
)

/** A list of equal entries, with a button that adds one. */
const Groups = ({ name, schema, path, value, onChange, errors }: FieldProps) => {
  const id = useId()
  const items = (Array.isArray(value) ? value : []) as Values[]
  const item = schema.items ?? {}
  return (
    <fieldset class="group" aria-describedby={`${id}-hint`}>
      <legend>{labelOf(name)}</legend>
      <p id={`${id}-hint`} class="field-hint">
        <Said text={hintOf(schema) ?? ''} />
      </p>
      {items.map((it, nth) => (
        <fieldset key={nth} class="group-item">
          <legend>
            {labelOf(name).replace(/s$/, '')} {nth + 1}
          </legend>
          <SchemaFields
            schema={item}
            path={`${path}[${nth}]`}
            values={it}
            onChange={(changed) => onChange(items.with(nth, changed))}
            errors={errors}
          />
          {errors.get(`${path}[${nth}]`) && <p class="field-error">{errors.get(`${path}[${nth}]`)}</p>}
          <button type="button" class="button quiet small" onClick={() => onChange(items.toSpliced(nth, 1))}>
            Remove
          </button>
        </fieldset>
      ))}
      {errors.get(path) && <p class="field-error">{errors.get(path)}</p>}
      <button type="button" class="button small" onClick={() => onChange([...items, emptyOf(item)])}>
        Add
      </button>
    </fieldset>
  )
}

const withValue = (values: Values, name: string, value: unknown): Values => {
  const { [name]: _, ...rest } = values
  return value === undefined ? rest : { ...rest, [name]: value }
}
