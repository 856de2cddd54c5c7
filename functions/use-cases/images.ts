import type { App } from '../../lib/app.ts'
import type { Actor } from '../../lib/auth/actor.ts'
import { StintError } from '../../lib/core/errors.ts'
import { awaitEnd } from '../../lib/jobs/await-end.ts'
import { prepare } from '../../lib/jobs/prepare.ts'
import { submit } from '../../lib/jobs/submit.ts'
import type { TraceContext } from '../../lib/tracing/trace-context.ts'
import type { Size } from '../jobs/image/size.ts'
import { kinds } from '../jobs/index.ts'
import { addFile, downloadUrl, requireFile } from './files.ts'

export interface Picture {
  projectId: string
  name: string
  contentType: string
  bytes: Buffer
}

/** Stores a picture and submits the job that resizes it. @returns the job's id */
export const submitResize = async (
  app: App,
  actor: Actor,
  picture: Picture,
  size: Size,
  trace: TraceContext | undefined,
): Promise<string> => {
  const { id: fileId, projectId } = await addFile(app, actor, picture)
  const submission = { kind: 'image.resize', input: { fileId, sizes: [size] } }
  const prepared = prepare(kinds, submission, { projectId, createdBy: actor.userId, trace })
  await submit(app, [prepared])
  return prepared.row.id
}

/**
 * Waits for the resized picture.
 * @returns its URL, or undefined when it isn't ready within `waitSeconds`
 * @throws {StintError} JOB_FAILED when it never will be
 */
export const awaitPicture = async (
  app: App,
  actor: Actor,
  jobId: string,
  waitSeconds: number,
): Promise<string | undefined> => {
  const job = await awaitEnd(app, jobId, waitSeconds)
  if (!job) return undefined
  if (job.state !== 'succeeded') throw new StintError('JOB_FAILED', job.error?.message ?? `The job is ${job.state}.`)
  const { images } = job.result as { images: [{ fileId: string }] }
  return downloadUrl(app, await requireFile(app, actor, images[0].fileId, 'viewer'))
}
