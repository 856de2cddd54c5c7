import { KafkaClient } from 'kafka-crab-js'
import { serveParent } from './component.ts'

serveParent(async () => {
  const client = new KafkaClient({
    // Replaced by the mock cluster's, which lives as long as a consumer of this client.
    brokers: '127.0.0.1:1',
    clientId: 'stint-broker',
    logLevel: 'info',
    configuration: { 'test.mock.num.brokers': '1' },
  })
  // A producer would do as well, but polls for delivery reports ten times a second, which costs a hundredth of a core.
  const owner = client.createConsumer({ groupId: 'stint-broker' })
  // It reads nothing, but librdkafka only logs, for example its address, when somebody polls for messages.
  await owner.recvBatch(1, 100)
  return {
    ready: 'made' as const,
    stop: async () => {
      await owner.disconnect()
    },
  }
})
