import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { demand, fetchWith, freePorts, type Running, startProcess } from './component.ts'

/** Apache Kafka from its Maven artefacts: one node, broker and controller, without ZooKeeper. */
export const startApacheKafka = async (
  version: string,
  { tools, folder }: { tools: string; folder: string },
): Promise<Running & { kafkaAddress: string }> => {
  const libraries = await fetchKafka(version, join(tools, `kafka-${version}`))
  const [port = 0, controllerPort = 0] = await freePorts(2)
  const data = join(folder, 'kafka')
  mkdirSync(data, { recursive: true })
  const properties = join(data, 'server.properties')
  writeFileSync(properties, settings(port, controllerPort, join(data, 'log')))
  const java = ['-Xmx512m', '-cp', `${libraries}/*`]
  const formatted = spawnSync(
    'java',
    [...java, 'kafka.tools.StorageTool', 'format', '--cluster-id', 'c3RpbnQtdGVzdC1zdGFjaw', '--config', properties],
    { encoding: 'utf8' },
  )
  if (formatted.status !== 0) throw new Error(`Kafka's storage could not be made: ${formatted.stderr}`)
  const kafkaAddress = `127.0.0.1:${port}`
  const running = await startProcess({
    command: 'java',
    args: [...java, 'kafka.Kafka', properties],
    log: join(data, 'server.log'),
    isReady: () => hasController(kafkaAddress),
  })
  return { ...running, kafkaAddress }
}

/** @returns the folder with its jars. @throws {MissingError} */
export const fetchKafka = async (version: string, folder: string): Promise<string> => {
  demand('java', 'Kafka 4 needs Java 17, e.g. apt-get install openjdk-17-jre-headless')
  const libraries = join(folder, 'libraries')
  const done = join(folder, 'complete')
  if (existsSync(done)) return libraries
  mkdirSync(folder, { recursive: true })
  const pom = join(folder, 'pom.xml')
  writeFileSync(
    pom,
    `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
  <groupId>stint</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${version}</version>
  </dependency></dependencies></project>\n`,
  )
  const copy = ['dependency:copy-dependencies', `-DoutputDirectory=${libraries}`]
  await fetchWith(
    'mvn',
    ['--batch-mode', '--quiet', '--file', pom, ...copy],
    `Apache Kafka ${version} from Maven Central`,
  )
  writeFileSync(done, '')
  return libraries
}

const settings = (port: number, controllerPort: number, data: string): string => `
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:${controllerPort}
log.dirs=${data}
num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
`

const hasController = async (address: string): Promise<boolean> => {
  const admin = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin()
  try {
    await admin.connect()
    return (await admin.describeCluster()).controller !== null
  } finally {
    await admin.disconnect()
  }
}
