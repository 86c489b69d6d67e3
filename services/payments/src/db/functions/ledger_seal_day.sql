-- Seals the next day, once: from then on nobody posts into it. It answers null when there is none, or while a posting takes long.
CREATE OR REPLACE FUNCTION ledger_seal_day() RETURNS date LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '500ms' AS $$
DECLARE
	due date := ledger_due_day();
BEGIN
	IF due IS NULL THEN
		RETURN NULL;
	END IF;
	BEGIN
		PERFORM pg_advisory_xact_lock(hashtextextended('ledger close', 0));
	EXCEPTION WHEN lock_not_available THEN
		RETURN NULL;
	END;
	due := ledger_due_day(); -- Another may have sealed it while this one waited.
	IF due IS NOT NULL THEN
		INSERT INTO ledger_closes (day, from_at, until_at) VALUES (due, due::timestamp AT TIME ZONE 'Asia/Tehran', (due + 1)::timestamp AT TIME ZONE 'Asia/Tehran');
	END IF;
	RETURN due;
END $$;
