-- What staff decide is written down in the transaction that does it, by whichever statement. Account numbers and names stay where they are.
-- Trigger on bank_accounts, customer_levels, psp_settings and transfers, after.
CREATE OR REPLACE FUNCTION staff_audit_write() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	old_row jsonb := CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(OLD) END;
	new_row jsonb := to_jsonb(NEW);
BEGIN
	INSERT INTO staff_audit (actor, subject, subject_id, before, after) VALUES (
		coalesce(new_row ->> 'decided_by', new_row ->> 'approved_by', new_row ->> 'set_by', new_row ->> 'changed_by', 'unknown'),
		TG_TABLE_NAME, coalesce(new_row ->> 'id', new_row ->> 'attempt_id', new_row ->> 'customer_id', new_row ->> 'psp'),
		old_row - 'sheba' - 'holder_name', new_row - 'sheba' - 'holder_name');
	RETURN NULL;
END $$;
