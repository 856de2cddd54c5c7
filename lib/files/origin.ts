import type { Config } from '../core/config.ts'

/** Where presigned URLs lead to, for a page's Content-Security-Policy. */
export const filesOrigin = ({ s3, region }: Pick<Config, 's3' | 'region'>): string =>
  s3.endpoint ? new URL(s3.publicEndpoint ?? s3.endpoint).origin : `https://${s3.bucket}.s3.${region}.amazonaws.com`
