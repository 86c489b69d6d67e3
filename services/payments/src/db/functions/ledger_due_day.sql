-- The day that is to be closed next, five minutes after its end; null when none is.
CREATE OR REPLACE FUNCTION ledger_due_day() RETURNS date LANGUAGE sql AS $$
	SELECT day FROM (SELECT coalesce((SELECT max(day) + 1 FROM ledger_closes), (SELECT (min(at) AT TIME ZONE 'Asia/Tehran')::date FROM ledger_transactions)) AS day) AS next
	WHERE (day + 1)::timestamp AT TIME ZONE 'Asia/Tehran' <= now() - interval '5 minutes'
$$;
