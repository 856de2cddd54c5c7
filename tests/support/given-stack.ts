/** Components that run already, which tests are given in place of the embedded ones: `npm run test:stack` starts them. */
export interface GivenStack {
  /** Of the database that makes and drops the others. */
  adminUrl?: string
  /** Where apps connect to, if it isn't there: a pooler. */
  databaseUrl?: string
  awsUrl?: string
  region?: string
  kafkaAddress?: string
  pushgatewayUrl?: string
  prometheusUrl?: string
  /** Variables that every app is configured with. */
  environment?: Record<string, string>
}

export const givenStack = (): GivenStack => JSON.parse(process.env['STINT_TEST_STACK'] ?? '{}') as GivenStack

/** The URL of another database of the same server. */
export const withDatabase = (url: string, name: string): string =>
  Object.assign(new URL(url), { pathname: `/${name}` }).href
