import { Scalar } from './scalar.tsx'

type Row = Record<string, unknown>

const MAX_ROWS = 200

/** Whether a value is a table: a list of objects. */
export const isRows = (value: unknown): value is Row[] =>
  Array.isArray(value) &&
  value.length > 0 &&
  value.every((it) => typeof it === 'object' && it !== null && !Array.isArray(it))

export const Table = ({ rows }: { rows: Row[] }) => {
  const names = [...new Set(rows.slice(0, MAX_ROWS).flatMap((row) => Object.keys(row)))]
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard */}
      <section class="table-frame short" tabIndex={0} aria-label="Table">
        <table>
          <thead>
            <tr>
              {names.map((name) => (
                <th key={name} scope="col" class={isNumber(rows[0]?.[name]) ? 'number' : undefined}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, MAX_ROWS).map((row, nth) => (
              <tr key={nth}>
                {names.map((name) => (
                  <td key={name} class={isNumber(row[name]) ? 'number' : undefined}>
                    <Scalar name={name} value={row[name]} />
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {rows.length > MAX_ROWS && <p class="soft">{rows.length - MAX_ROWS} more rows: a copy has them all.</p>}
    </>
  )
}

/** Also a number that is too large for JSON and therefore comes as text. */
const isNumber = (value: unknown): boolean =>
  typeof value === 'number' || (typeof value === 'string' && /^-?\d{1,40}(\.\d+)?$/.test(value))
