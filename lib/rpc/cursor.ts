import { malformed, readText, storable } from './message.ts'

/** Reads bytes in order. @throws {RpcError} when they end too early */
export class Cursor {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#pass(1))
  }

  i16(): number {
    return this.#bytes.readInt16BE(this.#pass(2))
  }

  i32(): number {
    return this.#bytes.readInt32BE(this.#pass(4))
  }

  i64(path: string): number {
    const value = Number(this.#bytes.readBigInt64BE(this.#pass(8)))
    if (!Number.isSafeInteger(value)) throw malformed(`${path}: expected an integer between ±(2^53 − 1)`)
    return value
  }

  double(): number {
    return this.#bytes.readDoubleBE(this.#pass(8))
  }

  /** @param maxLength in bytes */
  text(length: number, path: string, maxLength = Number.POSITIVE_INFINITY): string {
    if (length > maxLength) throw malformed(`${path}: at most ${maxLength} bytes`)
    const from = this.#pass(length)
    return storable(readText(this.#bytes.subarray(from, this.#at), path), path)
  }

  /** How many items follow, of at least a byte each. */
  size(path: string): number {
    const size = this.i32()
    if (size < 0 || size > this.#bytes.length - this.#at)
      throw malformed(`${path}: ${size} items can't be in this message`)
    return size
  }

  skip(length: number): void {
    this.#pass(length)
  }

  /** The message must end here. */
  end(): void {
    if (this.#at < this.#bytes.length) throw malformed('bytes follow the message')
  }

  /** Moves on. @returns where the passed bytes begin */
  #pass(length: number): number {
    if (length < 0) throw malformed('a length is negative')
    if (length > this.#bytes.length - this.#at) throw malformed('the message ends too early')
    const from = this.#at
    this.#at += length
    return from
  }
}
