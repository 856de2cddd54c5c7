import { z } from 'zod'
import * as jobs from '../../db/queries/jobs.ts'
import { invalidFields, StintError } from '../../lib/core/errors.ts'
import { readableErrors } from '../../lib/core/readable-errors.ts'
import { readWaitSeconds, waited } from '../../lib/http/prefer.ts'
import { fieldErrors } from '../../lib/http/problem.ts'
import { resource } from '../../lib/http/resource.ts'
import { MAX_BODY_BYTES, plain, route } from '../../lib/http/route.ts'
import { fileName, id } from '../../lib/http/schemas.ts'
import { MAX_SIDE, type Size, size } from '../jobs/image/size.ts'
import { chooseProject } from '../use-cases/access.ts'
import { awaitPicture, submitResize } from '../use-cases/images.ts'
import { jobReply, toJob } from '../views/job.ts'

const IMAGES = ['jpeg', 'png', 'webp', 'avif', 'gif', 'tiff'].map((type) => `image/${type}`)
/** The types that clients send if nobody sets one, curl's --data-binary among them. Decoding finds the real format. */
const UNNAMED = ['application/octet-stream', 'application/x-www-form-urlencoded']

const side = z.coerce.number().int().min(1).max(MAX_SIDE).optional()

const resize = route({
  method: 'POST',
  path: '/image/resize',
  summary: 'Resize a picture of at most 4 MiB',
  description:
    'The body is the picture. It becomes a file and an `image.resize` job of the project. With `Prefer: wait=20` the ' +
    'answer redirects to the resized picture as soon as it is ready; that URL needs no token, so `curl -L` gets the ' +
    'picture. Otherwise, or if it takes longer, the answer is the job. For larger pictures, and several sizes at once: ' +
    '`POST /files/uploads` and `POST /jobs`.',
  actor: 'user',
  scope: 'jobs:write',
  query: z.object({
    width: side,
    height: side,
    fit: size.shape.fit,
    format: size.shape.format,
    quality: z.coerce.number().int().min(1).max(100).optional(),
    name: fileName.default('picture'),
    projectId: id.optional().meta({ description: 'By default your project `Personal`.' }),
  }),
  body: { raw: { contentTypes: [...IMAGES, ...UNNAMED], maxBytes: MAX_BODY_BYTES } },
  takes: ['prefer', 'traceparent'],
  replies: {
    202: jobReply,
    303: plain('The picture is at `Location`, for five minutes, for whoever has that URL. Its job is in `Link`.'),
  },
  gives: ['location', 'link', 'preference-applied'],
  errors: ['PROJECT_NOT_FOUND', 'FORBIDDEN', 'STORAGE_FULL', 'RATE_LIMITED', 'JOB_FAILED'],
  run: async ({ app, actor, query: { name, projectId: named, ...given }, body, headers, trace }) => {
    const projectId = await chooseProject(app, actor, named, 'maintainer')
    const wanted = demandSize(given)
    const contentType = body.contentType.startsWith('image/') ? body.contentType : 'application/octet-stream'
    const picture = { projectId, name, contentType, bytes: body.bytes }
    const jobId = await submitResize(app, actor, picture, wanted, trace)
    const waitSeconds = readWaitSeconds(headers['prefer'])
    const location = waitSeconds && (await awaitPicture(app, actor, jobId, waitSeconds))
    const link = { ...waited(waitSeconds), link: `</jobs/${jobId}>; rel="describedby"`, 'cache-control': 'no-store' }
    if (location) return { status: 303, headers: { ...link, location } }
    const job = toJob((await jobs.find(app.sql, jobId)) ?? missing())
    return { status: 202, headers: { ...link, location: `/jobs/${jobId}` }, body: { job } }
  },
})

const demandSize = (given: z.input<typeof size>): Size => {
  const parsed = size.safeParse(given, readableErrors(given))
  if (parsed.success) return parsed.data
  throw invalidFields('The query is invalid: ', fieldErrors(parsed.error))
}

const missing = (): never => {
  throw new StintError('JOB_NOT_FOUND')
}

export const handler = resource([resize])
