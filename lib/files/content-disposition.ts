/**
 * The header by which a browser saves a response under a name (RFC 6266): an ASCII rendition for old clients, and the
 * real name percent-encoded (RFC 8187). Quotes, control characters and path separators can't get through.
 */
export const attachment = (fileName: string): string => {
  const safe = fileName.replaceAll(/[\p{Cc}\\/]/gu, '_')
  const ascii = safe.replaceAll(/[^\x20-\x7e]|["%]/g, '_')
  const encoded = encodeURIComponent(safe.toWellFormed()).replaceAll(/['()*]/g, percent)
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`
}

const percent = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`
