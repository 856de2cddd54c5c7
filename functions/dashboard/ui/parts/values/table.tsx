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
                <th key={name} scope="col" class={typeof rows[0]?.[name] === 'number' ? 'number' : undefined}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, MAX_ROWS).map((row, nth) => (
              <tr key={nth}>
                {names.map((name) => (
                  <td key={name} class={typeof row[name] === 'number' ? 'number' : undefined}>
                    {shown(row[name])}
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

const shown = (value: unknown): string => {
  if (value === undefined || value === null) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}
