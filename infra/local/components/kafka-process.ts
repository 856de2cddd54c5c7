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
  // A producer would do, but asks ten times a second what became of its messages, which takes a hundredth of a processor.
  const owner = client.createConsumer({ groupId: 'stint-broker' })
  // It reads nothing. What librdkafka has to say, the address among it, is said when somebody asks for messages.
  await owner.recvBatch(1, 100)
  return {
    ready: 'made' as const,
    stop: async () => {
      await owner.disconnect()
    },
  }
})
