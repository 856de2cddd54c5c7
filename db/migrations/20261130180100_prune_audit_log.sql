-- migrate:up
SET LOCAL lock_timeout = '3s';

-- The functions' role may write to the audit log and read it (db/functions-role.ts), and change or remove nothing: whoever
-- has got hold of a function can't remove what it did. Old entries go by this function, which is the owner's, and which
-- keeps those of the last 30 days whatever it is asked.
-- Ids are made in the order of time: the oldest entries are the first ones of the primary key.
CREATE FUNCTION prune_audit_log(days double precision, at_most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
  WITH removed AS (
    DELETE FROM public.audit_log WHERE id = ANY (ARRAY (
      SELECT id FROM (
        SELECT id, created_at FROM public.audit_log ORDER BY id LIMIT at_most FOR UPDATE SKIP LOCKED
      ) AS oldest
      WHERE created_at < now() - greatest(days, 30) * interval '1 day'
    )) RETURNING 1
  )
  SELECT count(*) FROM removed
$$;
REVOKE EXECUTE ON FUNCTION prune_audit_log FROM PUBLIC;

-- migrate:down
SET LOCAL lock_timeout = '3s';
DROP FUNCTION prune_audit_log;
