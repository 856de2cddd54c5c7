/** What may be uploaded, by the ending of its name. */
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

/** Of what has no other name. */
const BYTES = 'application/octet-stream'

export type ContentType = (typeof BY_ENDING)[keyof typeof BY_ENDING] | typeof BYTES

export const CONTENT_TYPES: readonly ContentType[] = [...new Set(Object.values(BY_ENDING)), BYTES]

/**
 * As what a file is uploaded. What a system calls it goes first if it is one of ours: to Windows, a CSV is a sheet of Excel
 * where that is installed, and a zip is `application/x-zip-compressed`.
 */
export const contentTypeOf = ({ name, type }: { name: string; type?: string }): ContentType => {
  const ending = name.slice(name.lastIndexOf('.') + 1).toLowerCase()
  return (
    CONTENT_TYPES.find((it) => it === type) ??
    (Object.hasOwn(BY_ENDING, ending) ? BY_ENDING[ending as keyof typeof BY_ENDING] : BYTES)
  )
}
