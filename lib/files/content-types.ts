/** The content types of uploads, by the file's extension. */
const BY_ENDING = {
  avif: 'image/avif',
  bmp: 'image/bmp',
  csv: 'text/csv',
  gif: 'image/gif',
  heic: 'image/heic',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  parquet: 'application/vnd.apache.parquet',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  txt: 'text/plain',
  webp: 'image/webp',
  zip: 'application/zip',
} as const

/** For any other file. */
const BYTES = 'application/octet-stream'

export type ContentType = (typeof BY_ENDING)[keyof typeof BY_ENDING] | typeof BYTES

export const CONTENT_TYPES: readonly ContentType[] = [...new Set(Object.values(BY_ENDING)), BYTES]

/**
 * The content type of an upload. What the operating system says counts only if it is one of ours: on Windows, a CSV is a sheet
 * of Excel if that is installed, and a zip is `application/x-zip-compressed`.
 */
export const contentTypeOf = ({ name, type }: { name: string; type?: string }): ContentType => {
  const ending = name.slice(name.lastIndexOf('.') + 1).toLowerCase()
  return (
    CONTENT_TYPES.find((it) => it === type) ??
    (Object.hasOwn(BY_ENDING, ending) ? BY_ENDING[ending as keyof typeof BY_ENDING] : BYTES)
  )
}
