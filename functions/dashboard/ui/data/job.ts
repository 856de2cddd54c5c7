import type { AnswerOf, ItemOf } from '../../../../lib/client/api.ts'
import type { Api } from '../../../http/api.ts'

// The types of the API's answers, by their names in the API.

export type JobSummary = ItemOf<Api['GET /jobs']>
export type Job = AnswerOf<Api['GET /jobs/{jobId}']>['body']['job']
export type JobKind = AnswerOf<Api['GET /job-kinds']>['body']['items'][number]
export type Stint = ItemOf<Api['GET /jobs/{jobId}/stints']>
export type LogLine = ItemOf<Api['GET /jobs/{jobId}/logs']>
