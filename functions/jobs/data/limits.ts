/** Of a file. */
export const MAX_BYTES = 1024 ** 3

/** What a file may have at all. */
export const MAX_FILE_COLUMNS = 2_000
export const MAX_ROWS = 500_000_000

/** What one job describes: as many as the result has room for, whatever is in them. */
export const MAX_COLUMNS = 200

/** Numeric columns that are held against each other. */
export const MAX_CORRELATED = 30

/** DuckDB's own limit, beyond which it gives a line up. */
export const MAX_LINE_BYTES = 2_000_000

/** Of a value or name that is shown. */
export const SHOWN_CHARACTERS = 60

/** What DuckDB may use before it writes to the disk, and how much there. */
export const MEMORY = '1GB'
export const MAX_SPILL = '3GB'
export const THREADS = 2

/**
 * All that the reading process may allocate: its own limit doesn't hold for what a file's metadata makes it ask for. Node
 * reserves 0.6 GB, and a CSV of which all rows are looked at is held beside what DuckDB counts.
 */
export const PROCESS_BYTES = 3.25 * 1024 ** 3

/**
 * Of the CPU, for one statement: far more than any takes on a file within the limits. Not by the clock: a good file
 * would be too large where others work beside it.
 */
export const STATEMENT_CPU_SECONDS = 600
