export const MAX_MODEL_BYTES = 50_000_000

/** Of a CSV file or a picture. */
export const MAX_INPUT_BYTES = 50_000_000

export const MAX_ROWS = 1_000_000

/** What a model may give for each row, all outputs together. */
export const MAX_VALUES = 1_000

/** What a model may take of a picture: pixels times channels. Beyond some hundred millions the process would end. */
export const MAX_PICTURE_VALUES = 16_000_000

/** Of the file with all predictions. */
export const MAX_OUTPUT_BYTES = 50_000_000

/** Operations of a model, those in loops and branches included. The largest models that people use have a few thousand. */
export const MAX_NODES = 20_000

/** What a model may take of memory while it runs, of the 3 538 MiB that its function has for everything (serverless.yml). */
export const MAX_MEMORY_BYTES = 512 * 1024 ** 2

/** How long it may take to load a model, and for each batch of rows. */
export const MAX_SECONDS = 60

/** Rows that are run at once, a safe point each. */
export const BATCH_ROWS = 256
