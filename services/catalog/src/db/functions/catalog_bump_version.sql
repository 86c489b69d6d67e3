-- Each catalogue write grows the version in its own transaction; gateways read it and drop the answers that they keep. Trigger after each
-- statement on products and categories.
CREATE OR REPLACE FUNCTION catalog_bump_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	UPDATE catalog_version SET version = version + 1 WHERE id = 1;
	RETURN NULL;
END $$;
