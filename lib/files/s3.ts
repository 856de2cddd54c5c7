import { Readable } from 'node:stream'
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { LOCAL_CREDENTIALS } from '../core/local-credentials.ts'
import { attachment } from './content-disposition.ts'
import { FileMissingError, type FileStore, FileTooLargeError } from './store.ts'

export interface S3Options {
  region: string
  endpoint: string | undefined
  /** Where callers reach it, if that isn't the endpoint: presigned URLs name it. */
  publicEndpoint?: string | undefined
  bucket: string
}

/** Files in an S3 bucket. */
export const createS3Files = ({ region, endpoint, publicEndpoint, bucket }: S3Options): FileStore => {
  const client = createClient(region, endpoint)
  // Signing needs no request, so this client never connects.
  const signer = publicEndpoint ? createClient(region, publicEndpoint) : client
  const at = (key: string) => ({ Bucket: bucket, Key: key })

  const open: FileStore['open'] = async (key, maxBytes) => {
    const { Body, ContentLength = 0 } = await client.send(new GetObjectCommand(at(key))).catch(asMissing(key))
    const stream = Body as Readable
    if (ContentLength <= maxBytes) return Readable.from(atMost(stream, key, maxBytes), { objectMode: false })
    stream.destroy()
    throw tooLarge(key, maxBytes)
  }

  return {
    put: async (key, body, contentType) => {
      await client.send(new PutObjectCommand({ ...at(key), Body: body, ContentType: contentType }))
    },

    open,

    get: async (key, maxBytes) => Buffer.concat(await (await open(key, maxBytes)).toArray()),

    head: async (key) => {
      try {
        const { ContentLength, ContentType } = await client.send(new HeadObjectCommand(at(key)))
        return { sizeBytes: ContentLength ?? 0, contentType: ContentType ?? 'application/octet-stream' }
      } catch (error) {
        if (error instanceof NotFound) return null
        throw error
      }
    },

    delete: async (key) => {
      await client.send(new DeleteObjectCommand(at(key)))
    },

    deleteAll: async (keys) => {
      if (keys.length === 0) return []
      const Delete = { Objects: keys.map((Key) => ({ Key })), Quiet: true }
      const { Errors = [] } = await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete }))
      return Errors.map(({ Key: key = '', Message: message = '' }) => ({ key, message }))
    },

    downloadUrl: (key, { expiresInSeconds, fileName, contentType }) =>
      getSignedUrl(
        signer,
        new GetObjectCommand({
          ...at(key),
          ResponseContentDisposition: attachment(fileName),
          ResponseContentType: contentType,
        }),
        { expiresIn: expiresInSeconds },
      ),

    uploadUrl: (key, { expiresInSeconds, contentType, sizeBytes }) =>
      getSignedUrl(
        signer,
        new PutObjectCommand({ ...at(key), ContentType: contentType, ContentLength: sizeBytes }),
        // Content-Type isn't signed by default, and then any type could be uploaded.
        { expiresIn: expiresInSeconds, signableHeaders: new Set(['content-type', 'content-length']) },
      ),

    ready: async () => {
      await client.send(new HeadBucketCommand({ Bucket: bucket }))
    },

    close: () => client.destroy(),
  }
}

const createClient = (region: string, endpoint: string | undefined): S3Client =>
  new S3Client({
    region,
    ...(endpoint && {
      endpoint,
      forcePathStyle: true,
      credentials: LOCAL_CREDENTIALS,
    }),
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 5_000, socketTimeout: 30_000 },
    // Otherwise a presigned PUT demands the checksum of an empty body, which no upload has.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })

/** Reads to the end, whatever length the answer's header promised. */
async function* atMost(stream: Readable, key: string, maxBytes: number): AsyncGenerator<Buffer> {
  let sizeBytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length
    if (sizeBytes > maxBytes) throw tooLarge(key, maxBytes)
    yield chunk
  }
}

const asMissing =
  (key: string) =>
  (error: unknown): never => {
    if (error instanceof NoSuchKey || error instanceof NotFound)
      throw new FileMissingError(`There is no object ${key}.`, { cause: error })
    throw error
  }

const tooLarge = (key: string, maxBytes: number): FileTooLargeError =>
  new FileTooLargeError(`The object ${key} has more than ${maxBytes} bytes.`)
