-- A card is known by its first captured payment, and its owner a step better where the PSP matched card and phone. Trigger on
-- payment_attempts, after one becomes captured.
CREATE OR REPLACE FUNCTION attempts_keep_card() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.card_hash IS NOT NULL THEN
		INSERT INTO customer_cards AS c (customer_id, card_hash, card_masked, is_matched)
			VALUES (NEW.customer_id, NEW.card_hash, NEW.card_masked, NEW.terms ? 'phoneMatched')
			ON CONFLICT (customer_id, card_hash) DO UPDATE SET last_paid_at = now(), is_matched = c.is_matched OR excluded.is_matched,
				card_masked = coalesce(excluded.card_masked, c.card_masked);
	END IF;
	IF NEW.terms ? 'phoneMatched' THEN
		INSERT INTO customer_levels AS l (customer_id, level, set_by, reason) VALUES (NEW.customer_id, 1, 'service:payments', 'card and phone belong together')
			ON CONFLICT (customer_id) DO UPDATE SET level = 1, set_by = excluded.set_by, reason = excluded.reason, set_at = now() WHERE l.level = 0 AND l.set_by NOT LIKE 'user:%';
	END IF;
	RETURN NULL;
END $$;
