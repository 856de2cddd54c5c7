/** Cuts text to this many characters, never in the middle of a surrogate pair. */
export const cut = (text: string, maxLength: number): string =>
  text.length > maxLength ? `${text.slice(0, maxLength - 1)}…`.toWellFormed() : text
