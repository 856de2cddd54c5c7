export const MAX_MODEL_BYTES = 50_000_000

/** Of a CSV file or a picture. */
export const MAX_INPUT_BYTES = 50_000_000

export const MAX_ROWS = 1_000_000

/** The most values that a model may give for each row, all outputs together. */
export const MAX_VALUES = 1_000

/** The most values of a picture, pixels times channels. Some hundred millions would end the process. */
export const MAX_PICTURE_VALUES = 16_000_000

/** Of the file with all predictions. */
export const MAX_OUTPUT_BYTES = 50_000_000

/** Operations of a model, those in loops and branches included. The largest models that people use have a few thousand. */
export const MAX_NODES = 20_000

/** The memory that a running model may take, of the 3 538 MiB that its function has in all (serverless.yml). */
export const MAX_MEMORY_BYTES = 512 * 1024 ** 2

/** How long it may take to load a model, and for each batch of rows. */
export const MAX_SECONDS = 60

/** Rows that are run together. After each such batch comes a safe point. */
export const BATCH_ROWS = 256
