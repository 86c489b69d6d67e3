-- A category never becomes its own ancestor, whoever writes. Trigger on categories, before.
CREATE OR REPLACE FUNCTION catalog_refuse_cycle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.parent_id IS NOT NULL AND EXISTS (
		WITH RECURSIVE above AS (SELECT id, parent_id FROM categories WHERE id = NEW.parent_id UNION SELECT c.id, c.parent_id FROM categories c JOIN above a ON c.id = a.parent_id)
		SELECT FROM above WHERE id = NEW.id
	) THEN
		RAISE EXCEPTION 'a category cannot be below itself' USING ERRCODE = 'KE061';
	END IF;
	RETURN NEW;
END $$;
