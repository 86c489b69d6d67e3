-- The shop always has an admin who can sign in. The lock makes two admins who give up at the same moment take turns. Trigger on users,
-- after an active admin stops being one.
CREATE OR REPLACE FUNCTION identity_keep_an_admin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(7313);
	IF NOT EXISTS (SELECT FROM users WHERE status = 'active' AND 'admin' = ANY (roles)) THEN
		RAISE EXCEPTION 'the last admin stays' USING ERRCODE = 'KE091';
	END IF;
	RETURN NULL;
END $$;
