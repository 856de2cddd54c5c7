import { KafkaClient } from 'kafka-crab-js'
import { serveParent } from './component.ts'

serveParent(async () => {
  const client = new KafkaClient({
    // Replaced by the mock cluster's, which lives as long as a producer of this client.
    brokers: '127.0.0.1:1',
    clientId: 'stint-broker',
    logLevel: 'info',
    configuration: { 'test.mock.num.brokers': '1' },
  })
  const owner = client.createProducer({})
  return {
    ready: 'made' as const,
    stop: async () => {
      await owner.flush()
    },
  }
})
