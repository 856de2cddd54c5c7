import { serveJobs } from '../../lib/jobs/serve-thread.ts'
import {
  carelessThread,
  effect,
  lastWords,
  nest,
  oddThread,
  patient,
  spin,
  submitting,
  talkThread,
  uncopied,
} from './engine-thread-kinds.ts'

export default serveJobs([
  spin,
  effect,
  lastWords,
  oddThread,
  nest,
  submitting,
  talkThread,
  carelessThread,
  patient,
  uncopied,
])
