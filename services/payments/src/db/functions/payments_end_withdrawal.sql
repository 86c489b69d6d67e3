-- Ends a withdrawal, once: sent, its money leaves the books; refused or taken back, it is free again.
CREATE OR REPLACE FUNCTION payments_end_withdrawal(p_id uuid, p_status text, p_reference text, p_actor text, p_cause text) RETURNS withdrawals LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	w withdrawals%ROWTYPE;
BEGIN
	UPDATE withdrawals SET status = p_status, reference = p_reference, reason = p_cause, updated_at = now(), moved_by = p_actor, move_cause = p_cause
		WHERE id = p_id AND ((p_status = 'sent' AND status = 'approved') OR (p_status = 'rejected' AND status IN ('requested', 'approved')) OR (p_status = 'cancelled' AND status = 'requested'))
		RETURNING * INTO w;
	IF NOT FOUND THEN
		RETURN NULL;
	END IF;
	UPDATE wallets SET held_rial = held_rial - w.amount_rial WHERE customer_id = w.customer_id;
	IF p_status = 'sent' THEN
		PERFORM ledger_post('withdrawal', w.id, NULL, ARRAY['wallet:' || w.customer_id, 'bank:payouts'], ARRAY[w.amount_rial, -w.amount_rial]);
	END IF;
	RETURN w;
END $$;
