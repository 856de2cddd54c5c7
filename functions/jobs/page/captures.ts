export const MAX_TEXT_LENGTH = 300

/** Elements that are captured at once, one in another. */
const MAX_OPEN = 10

/** Captures the texts of elements while a parser passes through them. They may stand in one another. */
export interface Captures {
  /** An element of this name begins whose text is wanted, tidied and cut. */
  begin(name: string, done: (text: string) => void): void
  /** Adds to the texts of all elements that are open. */
  add(piece: string): void
  /** Such an element ends, and with it those within that were never closed. */
  end(name: string): void
}

export const createCaptures = (): Captures => {
  const open: { name: string; text: string; done: (text: string) => void }[] = []
  return {
    begin: (name, done) => {
      if (open.length < MAX_OPEN) open.push({ name, text: '', done })
    },
    add: (piece) => {
      for (const it of open) if (it.text.length < MAX_TEXT_LENGTH) it.text += piece.slice(0, 2 * MAX_TEXT_LENGTH)
    },
    end: (name) => {
      const at = open.findLastIndex((it) => it.name === name)
      for (const { text, done } of at === -1 ? [] : open.splice(at)) done(tidy(text))
    },
  }
}

/** Without needless white space, and cut. */
export const tidy = (text: string): string =>
  text.replaceAll(/\s+/g, ' ').trim().slice(0, MAX_TEXT_LENGTH).toWellFormed()
