/**
 * The least that somebody must be. `user`: whoever signed in, for what is their own. A role: in the project of what the
 * request names. Nobody but `admin` reaches what concerns every project.
 */
export type Standing = 'anyone' | 'user' | 'viewer' | 'maintainer' | 'owner' | 'maintainer or admin' | 'admin'

/** Who may call each route. */
export const WHO_MAY: Record<string, Standing> = {
  'POST /auth/register': 'anyone',
  'POST /auth/login': 'anyone',
  'POST /auth/refresh': 'anyone',
  'POST /auth/logout': 'anyone',
  'GET /auth/me': 'user',
  'PATCH /auth/me': 'user',
  'POST /auth/password': 'user',
  'GET /.well-known/jwks.json': 'anyone',
  'POST /auth/verify': 'user',
  'POST /auth/verify/resend': 'user',
  'POST /auth/password/forgot': 'anyone',
  'POST /auth/password/reset': 'anyone',

  'POST /projects': 'user',
  'GET /projects': 'user',
  'GET /projects/{projectId}': 'viewer',
  'PATCH /projects/{projectId}': 'owner',
  'DELETE /projects/{projectId}': 'owner',
  'GET /projects/{projectId}/members': 'viewer',
  'POST /projects/{projectId}/members': 'owner',
  'PUT /projects/{projectId}/members/{userId}': 'owner',
  'DELETE /projects/{projectId}/members/{userId}': 'owner',
  'POST /projects/{projectId}/api-keys': 'maintainer',
  'GET /projects/{projectId}/api-keys': 'maintainer',
  'DELETE /projects/{projectId}/api-keys/{keyId}': 'maintainer',
  'GET /projects/{projectId}/audit': 'maintainer',
  'GET /audit': 'admin',

  'POST /jobs': 'maintainer',
  'POST /jobs/batch': 'maintainer',
  'GET /job-kinds': 'user',
  'GET /jobs': 'viewer',
  'GET /jobs/{jobId}': 'viewer',
  'GET /jobs/{jobId}/events': 'viewer',
  'GET /jobs/{jobId}/logs': 'viewer',
  'GET /jobs/{jobId}/stints': 'viewer',
  'GET /jobs/{jobId}/relatives': 'viewer',
  'POST /jobs/{jobId}/cancel': 'maintainer',
  'POST /jobs/{jobId}/retry': 'maintainer',
  'DELETE /jobs/{jobId}': 'maintainer',
  'POST /jobs/cancel': 'maintainer',
  'POST /jobs/retry': 'maintainer',
  'GET /activity': 'viewer',
  'GET /failures': 'viewer',

  'POST /files': 'maintainer',
  'POST /files/uploads': 'maintainer',
  'GET /files': 'viewer',
  'GET /files/{fileId}': 'viewer',
  'GET /files/{fileId}/url': 'viewer',
  'GET /files/{fileId}/metadata': 'viewer',
  'DELETE /files/{fileId}': 'maintainer',
  'POST /image/resize': 'maintainer',

  'POST /schedules': 'maintainer',
  'GET /schedules': 'viewer',
  'GET /schedules/{scheduleId}': 'viewer',
  'PATCH /schedules/{scheduleId}': 'maintainer',
  'DELETE /schedules/{scheduleId}': 'maintainer',

  'GET /queues': 'user',
  'POST /queues/{queue}/pause': 'admin',
  'POST /queues/{queue}/resume': 'admin',
  'POST /queues/{queue}/redrive': 'maintainer or admin',

  'POST /device-models': 'maintainer',
  'GET /device-models': 'viewer',
  'GET /device-models/{modelId}': 'viewer',
  'PATCH /device-models/{modelId}': 'maintainer',
  'DELETE /device-models/{modelId}': 'maintainer',
  'GET /device-models/{modelId}/serial-numbers': 'viewer',
  'GET /device-models/{modelId}/serial-numbers.csv': 'viewer',

  // What its methods take is in tests/thrift.
  'POST /rpc': 'user',

  'POST /live/tickets': 'user',
  'GET /live/events': 'viewer',

  'GET /health': 'anyone',
  'GET /metrics': 'anyone',
  'GET /system': 'user',
  'GET /system/processes': 'admin',
  'GET /system/processes/{name}/logs': 'admin',
  'POST /system/processes/{name}/restart': 'admin',
  'POST /system/processes/{name}/stop': 'admin',
  'POST /system/processes/{name}/start': 'admin',

  'GET /': 'anyone',
  'GET /dashboard/{page}': 'anyone',
  'GET /dashboard/jobs/{jobId}': 'anyone',
  'GET /dashboard/projects/{projectId}': 'anyone',
  'GET /dashboard/assets/{file}': 'anyone',
  'POST /dashboard/session': 'anyone',
  'POST /dashboard/session/registration': 'anyone',
  'POST /dashboard/session/refresh': 'anyone',
  'DELETE /dashboard/session': 'anyone',

  'GET /openapi.json': 'anyone',
  'GET /docs': 'anyone',
}
