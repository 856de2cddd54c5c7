import { InvalidArgumentError } from 'commander'

/**
 * Reads what an option takes as a whole number.
 * @throws {InvalidArgumentError} that says what was expected; commander names the option
 */
export const wholeNumber =
  (min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER) =>
  (text: string): number => {
    const given = /^-?\d+$/.test(text) ? Number(text) : Number.NaN
    if (given >= min && given <= max) return given
    const range = [
      ...(min > Number.MIN_SAFE_INTEGER ? [`from ${min}`] : []),
      ...(max < Number.MAX_SAFE_INTEGER ? [`to ${max}`] : []),
    ]
    throw new InvalidArgumentError(['Expected a whole number', ...range].join(' '))
  }
