import { z } from 'zod'
import { readableErrors } from './readable-errors.ts'

/** A day at most: of more than 24 days a timer makes a millisecond. */
const seconds = (fallback: number) => z.coerce.number().positive().max(86_400).default(fallback)
const flag = z.enum(['true', 'false']).transform((value) => value === 'true')
const json = z.string().transform((text, context) => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    context.addIssue({ code: 'custom', message: 'expected JSON' })
    return z.NEVER
  }
})

/** What stands between commas. */
export const list = (item: z.ZodType<string, string> = z.string()) =>
  z
    .string()
    .default('')
    .transform((text) => text.split(',').flatMap((it) => it.trim() || []))
    .pipe(z.array(item))

const isDecodable = (text: string): boolean => {
  try {
    return decodeURIComponent(text) !== ''
  } catch {
    return false
  }
}

/** Strict: every function has these, so what is private must not slip in among them. */
const publicKey = z.strictObject({
  kid: z.string().min(1),
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string(),
})
const signingKey = z.object({ ...publicKey.shape, d: z.string() })
const secret = z
  .base64()
  .refine((value) => Buffer.from(value, 'base64').length >= 32, 'expected at least 32 bytes, as base64')

export type PublicKey = z.output<typeof publicKey>
export type SigningKey = z.output<typeof signingKey>

/** What verifies the tokens that a key signs. */
export const publicHalf = ({ kid, kty, crv, x }: SigningKey): PublicKey => ({ kid, kty, crv, x })

const variables = z.object({
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  DATABASE_MAX_CONNECTIONS: z.coerce.number().int().min(1).default(4),
  DATABASE_PREPARE: flag.default(true),
  DATABASE_FUNCTIONS_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),

  AWS_REGION: z.string().default('eu-central-1'),
  SQS_ENDPOINT: z.url().optional(),
  SQS_QUEUE_URL_DEFAULT: z.url(),
  SQS_QUEUE_URL_COMPUTE: z.url(),
  SQS_QUEUE_URL_BULK: z.url(),
  S3_ENDPOINT: z.url().optional(),
  S3_PUBLIC_ENDPOINT: z.url().optional(),
  S3_BUCKET: z.string().min(3),

  KAFKA_BROKERS: z.string().min(1),
  KAFKA_TOPIC: z.string().default('stint.jobs.v1'),

  LIVE_URL: z.url({ protocol: /^wss?$/ }).optional(),
  LIVE_MANAGEMENT_URL: z.url({ protocol: /^https?$/ }).optional(),

  AUTH_ISSUER: z.string().default('stint'),
  AUTH_AUDIENCE: z.string().default('stint-api'),
  AUTH_PUBLIC_KEYS: json.pipe(z.array(publicKey).min(1)).optional(),
  AUTH_SIGNING_KEYS: json.pipe(z.array(signingKey).min(1)).optional(),
  AUTH_REFRESH_KEY: secret.optional(),
  AUTH_RATE_LIMIT_PER_MINUTE: z.coerce.number().int().min(1).default(20),

  SMTP_URL: z.url({ protocol: /^smtps?$/ }).optional(),
  MAIL_FOLDER: z.string().optional(),
  MAIL_FROM: z
    .string()
    .regex(/^([^<>@\p{Cc}]+ <[^<>@\s]+@[^<>@\s]+>|[^<>@\s]+@[^<>@\s]+)$/u, 'expected name@domain or Name <name@domain>')
    .default('Stint <stint@localhost>'),
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  MAIL_RATE_LIMIT_PER_MINUTE: z.coerce.number().int().min(1).default(30),

  STORAGE_MIB_PER_PROJECT: z.coerce.number().int().min(1).default(5_120),

  JOB_SECRET_KEY: secret.optional(),
  LEASE_SECONDS: seconds(60),
  HEARTBEAT_SECONDS: seconds(20),
  WATCH_SECONDS: seconds(2),
  SAFE_POINT_SECONDS: seconds(1),
  RETENTION_DAYS: z.coerce.number().positive().default(30),
  // The database keeps the last 30 days, whatever it is asked (`prune_audit_log`).
  AUDIT_RETENTION_DAYS: z.coerce.number().min(30).default(365),

  WEB_ALLOWED_HOSTS: list(
    z
      .string()
      .regex(/^[\w.-]+(:\d+)?$/, 'expected host or host:port')
      .toLowerCase(),
  ),
  WEB_PORTS: list(z.string().regex(/^\d{1,5}$/, 'expected ports')).default(['80', '443', '8080', '8443']),
  WEB_DNS_SERVERS: list(),
  CRAWL_DELAY_SECONDS: z.coerce.number().min(0).default(1),

  PUSHGATEWAY_URL: z.url({ protocol: /^https?$/ }).optional(),
  METRICS_TOKEN: z.string().min(16).optional(),
  CLOUDWATCH_NAMESPACE: z.string().optional(),

  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  OTEL_EXPORTER_OTLP_HEADERS: list(
    z
      .string()
      .regex(/^[\w-]+=[\x21-\x7e]*$/, 'expected name=value,name=value')
      .refine(isDecodable, 'expected percent-encoded values'),
  ),
  OTEL_SERVICE_NAME: z.string().min(1).default('stint'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
  TRACE_URL_TEMPLATE: z
    .url({ protocol: /^https?$/ })
    .includes('{traceId}', 'expected a URL with {traceId} in it')
    .optional(),

  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  STINT_VERSION: z.string().default('dev'),
})

const environment = variables
  // A lease that ends before it is renewed is a lost one, and the third fails a job that nothing was wrong with.
  .refine((env) => env.HEARTBEAT_SECONDS * 2 <= env.LEASE_SECONDS, {
    path: ['HEARTBEAT_SECONDS'],
    error: 'must be at most half of LEASE_SECONDS',
  })
  // Signing in gives two tokens, and each needs its key.
  .refine((env) => env.AUTH_SIGNING_KEYS === undefined || env.AUTH_REFRESH_KEY !== undefined, {
    path: ['AUTH_REFRESH_KEY'],
    error: 'is needed beside AUTH_SIGNING_KEYS',
  })
  .refine((env) => env.AUTH_REFRESH_KEY === undefined || env.AUTH_SIGNING_KEYS !== undefined, {
    path: ['AUTH_SIGNING_KEYS'],
    error: 'is needed beside AUTH_REFRESH_KEY',
  })
  // Otherwise tokens would be issued that no function accepts.
  .refine(
    ({ AUTH_SIGNING_KEYS: signing = [], AUTH_PUBLIC_KEYS: known }) =>
      signing.every(({ kid, x }) => !known || known.some((it) => it.kid === kid && it.x === x)),
    { path: ['AUTH_SIGNING_KEYS'], error: 'must be keys whose public halves are in AUTH_PUBLIC_KEYS' },
  )

/** Values are percent-encoded (OpenTelemetry, "Specifying headers via environment variables"). */
const pair = (text: string): [string, string] => {
  const [name = '', ...value] = text.split('=')
  return [name, decodeURIComponent(value.join('='))]
}

export type Config = Readonly<ReturnType<typeof shape>>

const shape = (env: z.output<typeof environment>) => ({
  database: {
    url: env.DATABASE_URL,
    maxConnections: env.DATABASE_MAX_CONNECTIONS,
    prepare: env.DATABASE_PREPARE,
    /** Only where the database is migrated, by its owner: as whom all functions but that one connect. */
    functionsUrl: env.DATABASE_FUNCTIONS_URL,
  },
  region: env.AWS_REGION,
  sqs: {
    endpoint: env.SQS_ENDPOINT,
    queueUrls: {
      default: env.SQS_QUEUE_URL_DEFAULT,
      compute: env.SQS_QUEUE_URL_COMPUTE,
      bulk: env.SQS_QUEUE_URL_BULK,
    },
  },
  s3: { endpoint: env.S3_ENDPOINT, publicEndpoint: env.S3_PUBLIC_ENDPOINT, bucket: env.S3_BUCKET },
  kafka: { brokers: env.KAFKA_BROKERS.split(',').map((broker) => broker.trim()), topic: env.KAFKA_TOPIC },
  live: {
    /** Where clients open WebSockets; if there is none, at `/live` of the host that they called. */
    url: env.LIVE_URL,
    /** Where @connections of those is. */
    managementUrl: env.LIVE_MANAGEMENT_URL,
  },
  auth: {
    issuer: env.AUTH_ISSUER,
    audience: env.AUTH_AUDIENCE,
    /** They verify access tokens. */
    publicKeys: env.AUTH_PUBLIC_KEYS ?? env.AUTH_SIGNING_KEYS?.map(publicHalf),
    /** Only where people are signed in. The first key signs. */
    signing:
      env.AUTH_SIGNING_KEYS !== undefined && env.AUTH_REFRESH_KEY !== undefined
        ? { keys: env.AUTH_SIGNING_KEYS, refreshKey: env.AUTH_REFRESH_KEY }
        : undefined,
    rateLimitPerMinute: env.AUTH_RATE_LIMIT_PER_MINUTE,
  },
  mail: {
    smtpUrl: env.SMTP_URL,
    /** Where mails become files, without an `smtpUrl`. With neither, no mail is sent. */
    folder: env.MAIL_FOLDER,
    from: env.MAIL_FROM,
    /** Where the API is reached from outside. Links in mails lead there; without it people get none about their accounts. */
    publicUrl: env.PUBLIC_URL,
    /** Of one project. */
    ratePerMinute: env.MAIL_RATE_LIMIT_PER_MINUTE,
  },
  storage: {
    /** What the files of one project may have together. */
    projectMib: env.STORAGE_MIB_PER_PROJECT,
  },
  engine: {
    /** What secrets of jobs are derived with. Only where jobs that have such are run. */
    jobSecretKey: env.JOB_SECRET_KEY,
    leaseSeconds: env.LEASE_SECONDS,
    heartbeatSeconds: env.HEARTBEAT_SECONDS,
    watchSeconds: env.WATCH_SECONDS,
    safePointSeconds: env.SAFE_POINT_SECONDS,
  },
  /** What jobs may fetch that strangers name. */
  web: {
    /** Reached although they are not on the public internet: `host`, or `host:port`. */
    allowedHosts: env.WEB_ALLOWED_HOSTS,
    /** Other services that would take a request for a command listen elsewhere. */
    ports: env.WEB_PORTS,
    /** Asked instead of the system: `address` or `address:port`. */
    dnsServers: env.WEB_DNS_SERVERS,
    /** Between two requests to one host. */
    crawlDelaySeconds: env.CRAWL_DELAY_SECONDS,
  },
  retentionDays: env.RETENTION_DAYS,
  auditRetentionDays: env.AUDIT_RETENTION_DAYS,
  metrics: {
    /** Where all metrics are pushed to. */
    pushgatewayUrl: env.PUSHGATEWAY_URL,
    /** Whose metrics CloudWatch is to make of the log; of none without it. */
    cloudwatchNamespace: env.CLOUDWATCH_NAMESPACE,
    /** What `GET /metrics` asks for. */
    token: env.METRICS_TOKEN,
    /** Without a token anyone may read them where SQS is an emulator's, on one's own machine, and nobody elsewhere. */
    isOpen: env.METRICS_TOKEN === undefined && env.SQS_ENDPOINT !== undefined,
  },
  tracing: {
    /** The collector's, for OTLP over HTTP. Without it no span is recorded. */
    endpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
    /** What it asks for: a token. */
    headers: Object.fromEntries(env.OTEL_EXPORTER_OTLP_HEADERS.map(pair)),
    serviceName: env.OTEL_SERVICE_NAME,
    /** The share of the traces begun here that is recorded, 0 to 1. Callers decide about their own. */
    sampleRatio: env.OTEL_TRACES_SAMPLER_ARG,
    /** Where people look at a trace, with `{traceId}` in it. */
    urlTemplate: env.TRACE_URL_TEMPLATE,
  },
  logLevel: env.LOG_LEVEL,
  version: env.STINT_VERSION,
})

export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  /** `NAME: what is wrong` */
  readonly problems: readonly string[]

  constructor(message: string, problems: readonly string[] = []) {
    super(message)
    this.problems = problems
  }

  static of(problems: readonly string[]): ConfigError {
    const lines = problems.map((it) => `  ${it}`).join('\n')
    return new ConfigError(`The configuration has ${problems.length} problem(s):\n${lines}`, problems)
  }
}

/** A value that not every function is given. @throws {ConfigError} that names the variable, if this one lacks it */
export const needed = <T>(value: T | undefined, variable: string): T => {
  if (value === undefined) throw ConfigError.of([`${variable}: is not set, and needed here`])
  return value
}

/**
 * Reads the functions' configuration from environment variables. This is the only place that knows their names.
 * @throws {ConfigError} that lists every variable that is missing or wrong, not only the first.
 */
export const readConfig = (env: Record<string, string | undefined>): Config => {
  return shape(readVariables(environment, env))
}

/** An empty variable is one that isn't set. @throws {ConfigError} that names each variable that is missing or wrong */
export const readVariables = <S extends z.ZodType>(schema: S, env: Record<string, string | undefined>): z.output<S> => {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = schema.safeParse(given, readableErrors(given))
  if (parsed.success) return parsed.data
  throw ConfigError.of(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`))
}
