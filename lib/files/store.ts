import type { Readable } from 'node:stream'

/** The seam to S3. Keys are made by us and never by a caller. */
export interface FileStore {
  put(key: string, body: Uint8Array, contentType: string): Promise<void>
  /**
   * The object as a stream, if it is too large for memory. Beyond `maxBytes` the stream fails as `open` does.
   * @throws {FileMissingError} if it is not there @throws {FileTooLargeError} past `maxBytes`
   */
  open(key: string, maxBytes: number): Promise<Readable>
  /** The whole object. @throws {FileMissingError} if it is not there @throws {FileTooLargeError} past `maxBytes` */
  get(key: string, maxBytes: number): Promise<Buffer>
  /** Size and type, or null if there is no such object. */
  head(key: string): Promise<{ sizeBytes: number; contentType: string } | null>
  /** Removes the object; one that isn't there is no error. */
  delete(key: string): Promise<void>
  /** Removes up to 1 000 objects in one request. @returns those that could not be removed, and why */
  deleteAll(keys: string[]): Promise<{ key: string; message: string }[]>
  /** A URL that anyone may GET for `expiresInSeconds`, offered under `fileName`. */
  downloadUrl(
    key: string,
    options: { expiresInSeconds: number; fileName: string; contentType: string },
  ): Promise<string>
  /** A URL to which anyone may PUT exactly `sizeBytes` of `contentType` for `expiresInSeconds`. */
  uploadUrl(key: string, options: { expiresInSeconds: number; contentType: string; sizeBytes: number }): Promise<string>
  /** Resolves when the bucket answers. */
  ready(): Promise<void>
  close(): void
}

export class FileMissingError extends Error {
  override readonly name = 'FileMissingError'
}

export class FileTooLargeError extends Error {
  override readonly name = 'FileTooLargeError'
}
