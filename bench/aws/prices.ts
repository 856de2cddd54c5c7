/** AWS's list prices as they are quoted everywhere: in US dollars, without a free tier, a discount or tax. */
export const PRICES_AS_OF = 'us-east-1, 2026'

export interface Price {
  usd: number
  per: string
  source: string
}

/** What Stint uses of AWS. Frankfurt is a tenth to a fifth dearer for what runs all day, and the same for Lambda. */
export const PRICES = {
  httpRequest: { usd: 1 / 1e6, per: 'request to API Gateway', source: 'https://aws.amazon.com/api-gateway/pricing/' },
  lambdaCall: { usd: 0.2 / 1e6, per: 'call of a function', source: 'https://aws.amazon.com/lambda/pricing/' },
  lambdaGbSecond: {
    usd: 0.0000133334,
    per: 'GB-second of a function, on arm64',
    source: 'https://aws.amazon.com/lambda/pricing/',
  },
  sqsRequest: { usd: 0.4 / 1e6, per: 'request to SQS', source: 'https://aws.amazon.com/sqs/pricing/' },
  logGb: { usd: 0.5, per: 'GB of logs', source: 'https://aws.amazon.com/cloudwatch/pricing/' },
  metric: { usd: 0.3, per: 'metric and month', source: 'https://aws.amazon.com/cloudwatch/pricing/' },
  alarmMetric: { usd: 0.1, per: 'metric of an alarm and month', source: 'https://aws.amazon.com/cloudwatch/pricing/' },
  databaseHour: { usd: 0.032, per: 'hour of db.t4g.small', source: 'https://aws.amazon.com/rds/postgresql/pricing/' },
  databaseGbMonth: {
    usd: 0.115,
    per: 'GB and month of the database',
    source: 'https://aws.amazon.com/rds/postgresql/pricing/',
  },
  proxyCpuHour: {
    usd: 0.015,
    per: 'hour of a CPU of the database',
    source: 'https://aws.amazon.com/rds/proxy/pricing/',
  },
  brokerHour: { usd: 0.0456, per: 'hour of kafka.t3.small', source: 'https://aws.amazon.com/msk/pricing/' },
  brokerGbMonth: { usd: 0.1, per: 'GB and month of a broker', source: 'https://aws.amazon.com/msk/pricing/' },
  natHour: { usd: 0.045, per: 'hour of a NAT gateway', source: 'https://aws.amazon.com/vpc/pricing/' },
  addressHour: { usd: 0.005, per: 'hour of a public address', source: 'https://aws.amazon.com/vpc/pricing/' },
  secretMonth: { usd: 0.4, per: 'secret and month', source: 'https://aws.amazon.com/secrets-manager/pricing/' },
} as const satisfies Record<string, Price>
