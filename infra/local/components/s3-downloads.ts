import type { IncomingMessage, Server, ServerResponse } from 'node:http'

const NAME = 'response-content-disposition'

/**
 * Gives files the name that their address asks for, and has a browser keep them instead of showing them, as S3 does:
 * fauxqs doesn't look at that, and a picture that somebody uploaded as SVG would run its scripts here.
 */
export const nameDownloads = (server: Server): void => {
  server.prependListener('request', ({ method, url = '' }: IncomingMessage, response: ServerResponse) => {
    if (method !== 'GET' || !url.includes(`${NAME}=`)) return
    const asked = new URLSearchParams(url.slice(url.indexOf('?') + 1)).get(NAME) ?? ''
    // Whoever signed the address encoded the rest.
    if (/^[\x20-\x7e]+$/.test(asked)) response.setHeader('content-disposition', asked)
  })
}
