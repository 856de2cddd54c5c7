/** Of a file. */
export const MAX_BYTES = 1024 ** 3

/** The most that a file may have. */
export const MAX_FILE_COLUMNS = 2_000
export const MAX_ROWS = 500_000_000

/** The most columns that one job describes: the result has room for this many, whatever is in them. */
export const MAX_COLUMNS = 200

/** The most numeric columns that are compared with each other. */
export const MAX_CORRELATED = 30

/** DuckDB's own limit. It gives up a longer line. */
export const MAX_LINE_BYTES = 2_000_000

/** Of a value or a name that is shown, in characters. */
export const SHOWN_CHARACTERS = 60

/** How much memory DuckDB may use before it writes to the disk, and how much disk. */
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
