-- Moves the good lines of an import into the vault as one batch, or only tells what would become of them; an import of which no line is
-- good leaves no batch. What is here already is found first, so that an import that refuses duplicates refuses before it writes; who comes
-- in between makes the insert fail and the job repeat.
CREATE OR REPLACE FUNCTION inventory_store_import(p_import uuid, p_previous_version smallint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	i key_imports%ROWTYPE;
	good integer;
	duplicates integer;
	invalid integer;
	stored integer;
BEGIN
	SELECT * INTO i FROM key_imports WHERE id = p_import AND status = 'storing' FOR NO KEY UPDATE;
	IF NOT FOUND THEN
		RETURN;
	END IF;
	-- Units of several codes are compared across two tables; nobody else of this brand writes meanwhile.
	IF i.line_format = 'codes' THEN
		PERFORM pg_advisory_xact_lock(hashtextextended('codes of ' || i.brand, 0));
		UPDATE key_import_lines l SET problem = 'duplicate-in-file' FROM (
			SELECT DISTINCT later.line FROM key_import_lines later CROSS JOIN unnest(later.blind_index || later.more_indexes) AS code
				JOIN LATERAL (SELECT earlier.line FROM key_import_lines earlier WHERE earlier.import_id = p_import AND earlier.problem IS NULL
					AND earlier.line < later.line AND code = ANY (earlier.blind_index || earlier.more_indexes) LIMIT 1) AS same ON true
			WHERE later.import_id = p_import AND later.problem IS NULL) AS twice
			WHERE l.import_id = p_import AND l.line = twice.line;
	ELSE
		PERFORM pg_advisory_xact_lock_shared(hashtextextended('codes of ' || i.brand, 0));
	END IF;
	UPDATE key_import_lines l SET problem = 'duplicate-in-stock' WHERE l.import_id = p_import AND l.problem IS NULL AND (
		inventory_knows(i.brand, l.blind_index_version, l.blind_index, p_previous_version, l.previous_index)
		OR EXISTS (SELECT FROM unnest(l.more_indexes) AS code WHERE inventory_knows(i.brand, l.blind_index_version, code, NULL, NULL)));
	SELECT count(*) FILTER (WHERE problem IS NULL), count(*) FILTER (WHERE problem IN ('duplicate-in-file', 'duplicate-in-stock')),
		count(*) FILTER (WHERE problem IN ('empty', 'malformed', 'unexpected-format')) INTO good, duplicates, invalid FROM key_import_lines WHERE import_id = p_import;
	IF good > 0 AND NOT i.is_dry_run AND (i.on_duplicate = 'skip' OR duplicates + invalid = 0) THEN
		INSERT INTO key_batches (id, variant_id, brand, label, import_id, wrapped_dek, kek_id, imported_count, duplicate_count, invalid_count, unit_cost_rial, expires_at, created_by)
			VALUES (i.id, i.variant_id, i.brand, i.label, i.id, i.wrapped_dek, i.kek_id, good, duplicates, invalid, i.unit_cost_rial, i.expires_at, i.created_by);
		INSERT INTO product_keys (id, batch_id, variant_id, brand, ciphertext, blind_index, blind_index_version, masked, kind, status, expires_at)
			SELECT key_id, i.id, i.variant_id, i.brand, ciphertext, blind_index, blind_index_version, masked, kind, 'available', i.expires_at
			FROM key_import_lines WHERE import_id = p_import AND problem IS NULL ORDER BY line;
		INSERT INTO product_key_codes (brand, blind_index_version, blind_index, key_id, position)
			SELECT i.brand, l.blind_index_version, code.index, l.key_id, code.position FROM key_import_lines l
			CROSS JOIN unnest(l.more_indexes) WITH ORDINALITY AS code(index, position) WHERE l.import_id = p_import AND l.problem IS NULL;
		PERFORM inventory_tell_stock(i.variant_id, good);
		stored := good;
	END IF;
	UPDATE key_imports SET status = CASE WHEN i.is_dry_run THEN 'checked' WHEN i.on_duplicate = 'reject' AND duplicates + invalid > 0 THEN 'refused' ELSE 'done' END,
		imported_count = CASE WHEN i.is_dry_run THEN good ELSE coalesce(stored, 0) END, duplicate_count = duplicates, invalid_count = invalid, due_at = now() + interval '30 days'
		WHERE id = p_import;
	DELETE FROM key_import_lines WHERE import_id = p_import AND problem IS NULL;
	UPDATE key_import_lines SET ciphertext = NULL, blind_index = NULL, previous_index = NULL, more_indexes = NULL WHERE import_id = p_import;
END $$;
