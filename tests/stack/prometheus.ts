import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { answers, demand, freePorts, type Running, startProcess } from './component.ts'

const CONFIGURATION = fileURLToPath(new URL('../../infra/prometheus/prometheus.yml', import.meta.url))
const ALERTS = fileURLToPath(new URL('../../infra/prometheus/alerts.yml', import.meta.url))

/** The Pushgateway, and a Prometheus that scrapes it as ours is configured to, but each second. */
export const startPrometheus = async ({
  folder,
}: {
  folder: string
}): Promise<Running & { pushgatewayUrl: string; prometheusUrl: string }> => {
  demand('prometheus-pushgateway', 'apt-get install prometheus-pushgateway')
  demand('prometheus', 'apt-get install prometheus')
  const [pushPort = 0, port = 0] = await freePorts(2)
  const data = join(folder, 'prometheus')
  mkdirSync(data, { recursive: true })
  const pushgatewayUrl = `http://127.0.0.1:${pushPort}`
  const prometheusUrl = `http://127.0.0.1:${port}`
  const configuration = readFileSync(CONFIGURATION, 'utf8')
    .replaceAll(/(scrape|evaluation)_interval: .*/g, '$1_interval: 1s')
    .replace('pushgateway:9091', `127.0.0.1:${pushPort}`)
    .replace('alerts.yml', ALERTS)
  writeFileSync(join(data, 'prometheus.yml'), configuration)
  const pushgateway = await startProcess({
    command: 'prometheus-pushgateway',
    args: [`--web.listen-address=127.0.0.1:${pushPort}`],
    log: join(data, 'pushgateway.log'),
    isReady: () => answers(`${pushgatewayUrl}/-/ready`),
  })
  const prometheus = await startProcess({
    command: 'prometheus',
    args: [
      `--config.file=${join(data, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(data, 'tsdb')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    log: join(data, 'prometheus.log'),
    isReady: () => answers(`${prometheusUrl}/-/ready`),
  }).catch(async (error) => {
    await pushgateway.stop()
    throw error
  })
  return {
    pushgatewayUrl,
    prometheusUrl,
    stop: async () => {
      await prometheus.stop()
      await pushgateway.stop()
    },
  }
}
