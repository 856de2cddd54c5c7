/** How deep JSON may be nested: what recurses over it, here and in PostgreSQL, must not run out of stack. */
export const MAX_DEPTH = 200
