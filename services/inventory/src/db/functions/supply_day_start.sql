-- When the day of Tehran began that this moment is in: days of spending are the shop's.
CREATE OR REPLACE FUNCTION supply_day_start(p_at timestamptz) RETURNS timestamptz LANGUAGE sql STABLE AS $$
	SELECT date_trunc('day', p_at AT TIME ZONE 'Asia/Tehran') AT TIME ZONE 'Asia/Tehran'
$$;
