import type { IncomingMessage, Server, ServerResponse } from 'node:http'

const NAME = 'response-content-disposition'

/**
 * Sends the Content-Disposition that a presigned URL asks for, as S3 does, so that browsers save files under their names
 * instead of showing them. fauxqs ignores it, and an uploaded SVG would run its scripts.
 */
export const nameDownloads = (server: Server): void => {
  server.prependListener('request', ({ method, url = '' }: IncomingMessage, response: ServerResponse) => {
    if (method !== 'GET' || !url.includes(`${NAME}=`)) return
    const asked = new URLSearchParams(url.slice(url.indexOf('?') + 1)).get(NAME) ?? ''
    // Other characters are percent-encoded by whoever signed the URL.
    if (/^[\x20-\x7e]+$/.test(asked)) response.setHeader('content-disposition', asked)
  })
}
