// Stint's jobs for Thrift clients: POST /rpc, TBinaryProtocol or TJSONProtocol over HTTP. It is a part of the API at
// /docs, with the same accounts and the same rules; files, projects and all else are there.
//
// Ids are UUIDs, times are RFC 3339 in UTC, and what is JSON in the API is JSON text here.

namespace java stint
namespace netstd Stint
namespace py stint
namespace go stint
namespace rb Stint

/** A field that is wrong: `submission.input.digits`. */
struct FieldError {
  1: required string path
  2: required string message
}

/** Whatever was refused, or went wrong. */
exception Problem {
  /** One of the codes at /docs: it is what programs should look at. */
  1: required string code
  /** The status that the same is answered with over HTTP. */
  2: required i32 status
  3: required string message
  4: required list<FieldError> errors
  /** Names the request in the logs. */
  5: required string requestId
}

/** What is said of a job: see POST /jobs. */
struct Submission {
  1: required string kind
  /** JSON text: what the kind declares as its input. */
  2: required string input
  3: optional string projectId
  4: optional string name
  5: optional i32 priority
  6: optional i32 delaySeconds
  7: optional string runAt
  8: optional i32 maxAttempts
  9: optional i32 timeoutSeconds
  10: optional list<string> tags
  11: optional list<string> after
  12: optional string onParentFailure
  13: optional string uniqueKey
  14: optional i32 uniqueForSeconds
  15: optional string onDuplicate
  /** A repeat of the same submission with the same key within 24 h gives the same job. */
  16: optional string idempotencyKey
  17: optional i32 expiresInSeconds
  18: optional string expiresAt
}

enum JobState {
  BLOCKED = 1
  QUEUED = 2
  RUNNING = 3
  SUCCEEDED = 4
  FAILED = 5
  CANCELLED = 6
}

struct JobError {
  1: required string code
  2: required string message
}

/** Why a job isn't running. */
struct WaitingBecause {
  /** after, delayed, retry, paused, limit or behind. */
  1: required string reason
  /** When it is due or likely to start; nothing if that can't be told. */
  2: optional string expectedStartAt
  /** after: how many jobs have not ended; behind: how many are ahead of it. */
  3: optional i32 jobs
  /** after: the ids of ten of them at most. */
  4: optional list<string> jobIds
  /** limit: so many at once, or starts in a period. */
  5: optional i32 limit
  /** limit: of what: kind, key or rate. */
  6: optional string limitOf
  /** limit of key: which one; a hash of it, if it is long. */
  7: optional string key
}

struct Job {
  1: required string id
  2: required string projectId
  3: required string kind
  4: required string queue
  5: required JobState state
  6: optional string name
  /** The part that is done, 0 to 1. */
  7: required double progress
  8: required i32 attempt
  9: required i32 maxAttempts
  10: required i32 stint
  11: required i32 priority
  12: required list<string> tags
  13: required string queuedAt
  14: required string startAt
  15: optional string startedAt
  16: optional string finishedAt
  17: optional string cancelRequestedAt
  18: optional JobError error
  /** JSON text, as the next two; none of the three in lists. */
  19: optional string input
  /** The result as far as it is known. */
  20: optional string partial
  21: optional string result
  22: optional string uniqueKey
  /** Cancelled if it has not started by then. */
  23: optional string expiresAt
  /** The id of the job that submitted it; not in lists. */
  24: optional string submittedBy
  /** Processes lost in a row without a new checkpoint. */
  25: optional i32 crashes
  /** Running time of the stints that ended. */
  26: optional i64 runMs
  /** Only from getJob, while the job is blocked or queued. */
  27: optional WaitingBecause waitingBecause
}

/** Which jobs: see GET /jobs. */
struct JobQuery {
  1: optional string projectId
  2: optional JobState state
  3: optional string kind
  4: optional string queue
  5: optional string tag
  6: optional string text
  /** 1 to 100, or 50. */
  7: optional i32 limit
  /** The nextCursor of an earlier page. */
  8: optional string cursor
  /** The id of the job that submitted them. */
  9: optional string submittedBy
  10: optional string queuedAfter
  11: optional string queuedBefore
  12: optional string finishedAfter
  13: optional string finishedBefore
}

struct JobPage {
  1: required list<Job> items
  /** There may be more, however few these are. */
  2: optional string nextCursor
}

struct QueueStatistics {
  1: required string queue
  2: required bool paused
  /** Jobs that could start now. */
  3: required i32 queued
  /** Jobs that are due later. */
  4: required i32 delayed
  5: required i32 running
  /** How old these numbers are; see GET /queues. */
  6: optional i32 countedSecondsAgo
}

/** The machine that answers, and the queues: see GET /system and GET /queues. */
struct SystemStatistics {
  1: required string version
  2: required i32 cpus
  /** The part of all CPUs that was in use since it was last asked, 0 to 1. */
  3: required double cpuBusy
  /** Over 1, 5 and 15 minutes. */
  4: required list<double> loadAverage
  5: required i64 memoryBytes
  6: required i64 availableMemoryBytes
  7: required i64 diskBytes
  8: required i64 freeDiskBytes
  9: required i32 uptimeSeconds
  10: required list<QueueStatistics> queues
}

service Stint {
  Job submitJob(1: Submission submission) throws (1: Problem problem)
  Job getJob(1: string jobId) throws (1: Problem problem)
  /** Newest first. */
  JobPage listJobs(1: JobQuery query) throws (1: Problem problem)
  /** One that waits is cancelled at once; one that runs stops at its next safe point. */
  Job cancelJob(1: string jobId) throws (1: Problem problem)
  SystemStatistics getSystem() throws (1: Problem problem)
}
