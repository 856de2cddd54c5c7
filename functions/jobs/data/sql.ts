/** A text as SQL has it, whatever is in it. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`
