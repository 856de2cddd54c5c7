import { DuckDBInstance } from '@duckdb/node-api'

/** A Parquet file as DuckDB writes it, of what a query gives. */
export const parquetOf = async (query: string, path: string): Promise<void> => {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run(`COPY (${query}) TO '${path}' (FORMAT parquet)`)
  connection.closeSync()
  instance.closeSync()
}
