-- migrate:up
CREATE TABLE metric_totals (
  shard  smallint NOT NULL CHECK (shard BETWEEN 0 AND 15),
  metric text NOT NULL,
  labels jsonb NOT NULL,
  part   text NOT NULL,
  total  double precision NOT NULL,
  PRIMARY KEY (shard, metric, labels, part)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
COMMENT ON TABLE metric_totals IS 'What all processes counted and measured, ever: each adds its own every few seconds.';
COMMENT ON COLUMN metric_totals.shard IS 'By process, so that they don''t queue on one row. The shards are summed when they are read.';
COMMENT ON COLUMN metric_totals.part IS 'Of a counter: total. Of a histogram: the upper bound of a bucket (each counted alone, not cumulated), or sum.';

-- migrate:down
DROP TABLE metric_totals;
