import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { problemsOf } from '../../tests/support/promql.ts'
import { hasPromtool, promtool } from '../../tests/support/promtool.ts'

interface Rule {
  alert: string
  expr: string
  labels: { severity: string }
  annotations: { summary: string }
}

const path = (file: string): string => fileURLToPath(new URL(file, import.meta.url))
const { groups } = parse(readFileSync(path('alerts.yml'), 'utf8')) as { groups: { rules: Rule[] }[] }
const rules = groups.flatMap((group) => group.rules)

describe('the alert', () => {
  test.for(rules)('$alert reads metrics and labels that there are', ({ expr }) => {
    expect(problemsOf(expr)).toEqual([])
  })

  test.for(rules)('$alert says how bad it is, and what it is', ({ labels, annotations }) => {
    expect(['warning', 'critical']).toContain(labels.severity)
    expect(annotations.summary).not.toBe('')
  })

  test.for(rules)('$alert has a test in alerts.test.yml', ({ alert }) => {
    const { tests } = parse(readFileSync(path('alerts.test.yml'), 'utf8')) as {
      tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[]
    }
    const fires = tests.flatMap((it) => it.alert_rule_test).filter(({ exp_alerts }) => exp_alerts.length > 0)
    expect(fires.map(({ alertname }) => alertname)).toContain(alert)
  })
})

test.skipIf(!hasPromtool)('the alerts fire when they should and not before, says promtool', () => {
  expect(promtool(['test', 'rules', path('alerts.test.yml')])).toMatchObject({ ok: true })
})

test.skipIf(!hasPromtool)('the configuration is valid, says promtool', () => {
  expect(promtool(['check', 'config', path('prometheus.yml')])).toMatchObject({ ok: true })
})

test('what a query gets wrong is found', () => {
  expect(problemsOf('sum(rate(stint_jobs_done_total[5m]))')).toEqual(['there is no metric stint_jobs_done_total'])
  expect(problemsOf('stint_queue_depth{kind="x"}')).toEqual(['no label kind in stint_queue_depth{kind="x"}'])
  expect(problemsOf('sum by (kind) (stint_queue_depth)')).toHaveLength(1)
  expect(problemsOf('rate(stint_job_wait_seconds[5m])')).toEqual(['there is no metric stint_job_wait_seconds'])
  expect(problemsOf('sum(rate(stint_claims_total[5m])')).not.toEqual([])
})
