-- Takes a complaint in and decides it where the rules can. A fresh and first complaint of somebody who has looked at the key is replaced at
-- once, or refunded where neither stock nor a supplier has another, only up to the value of p_rules, only to a customer whose good name is
-- worth it, and only while the totals allow it: of the customer in a year, of all in a day and in 30 days. Anything else is a person's. The
-- same complaint again changes nothing. What a supplier sold is to be claimed from it.
CREATE OR REPLACE FUNCTION inventory_complain(p_id uuid, p_key uuid, p_order uuid, p_customer uuid, p_reason text, p_note text, p_rules jsonb)
RETURNS TABLE (status text, is_new boolean, is_over_total boolean, batch_verdict text) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
	bad key_allocations%ROWTYPE;
	batch uuid;
	worth bigint;
	trusted boolean;
	over boolean := false;
	fresh uuid;
BEGIN
	SELECT * INTO bad FROM key_allocations WHERE key_id = p_key AND order_id = p_order AND customer_id = p_customer AND withdrawn_at IS NULL;
	SELECT batch_id INTO batch FROM product_keys WHERE id = bad.key_id;
	INSERT INTO complaints (id, key_id, order_id, customer_id, batch_id, reason, note) VALUES (p_id, bad.key_id, p_order, p_customer, batch, p_reason, p_note)
		ON CONFLICT (key_id) DO NOTHING;
	IF NOT FOUND THEN
		RETURN QUERY SELECT c.status, false, false, 'fine' FROM complaints c WHERE c.key_id = p_key;
		RETURN;
	END IF;
	INSERT INTO supplier_claims (complaint_id, procurement_id, supplier, unit_ref, delivered_at)
		SELECT p_id, u.procurement_id, u.supplier, u.unit_ref, u.at FROM supplied_units u WHERE u.key_id = p_key AND p_reason <> 'not-active-yet';
	-- One complaint after another, so that two at once neither both count as the first nor both find the same room in a total.
	PERFORM pg_advisory_xact_lock(hashtextextended('complaints', 0));
	worth := (SELECT unit_rial FROM line_values WHERE order_line_id = bad.order_line_id);
	trusted := worth IS NOT NULL AND complaint_good_rial(p_customer, p_order, (p_rules->>'goodDays')::integer)
		>= worth + complaint_given_rial(p_customer, '-infinity');
	UPDATE complaints SET value_rial = worth, is_trusted = trusted WHERE id = p_id;
	PERFORM pg_advisory_xact_lock(hashtextextended(p_order::text, 0));
	IF trusted AND NOT EXISTS (SELECT FROM refunded_orders WHERE order_id = p_order) AND worth <= (p_rules->>'unitMaxRial')::bigint
		AND p_reason <> 'not-active-yet' AND bad.replacement_no = 0 AND bad.allocated_at > now() - interval '72 hours'
		AND NOT EXISTS (SELECT FROM complaints c WHERE c.customer_id = p_customer AND c.id <> p_id AND c.created_at > now() - interval '30 days')
		AND worth + complaint_given_rial(p_customer, now() - interval '365 days') <= (p_rules->>'customerYearMaxRial')::bigint THEN
		over := worth + complaint_given_rial(NULL, now() - interval '24 hours') > (p_rules->>'dayMaxRial')::bigint
			OR worth + complaint_given_rial(NULL, now() - interval '30 days') > (p_rules->>'monthMaxRial')::bigint;
		IF NOT over THEN
			fresh := inventory_replace(p_key);
			IF fresh IS NOT NULL THEN
				UPDATE complaints SET status = 'replaced', replacement_key_id = fresh, decided_by = 'rules', decision = 'first complaint, fresh key', decided_at = now() WHERE id = p_id;
			ELSIF NOT supply_can(bad.variant_id, 1) THEN
				UPDATE complaints SET status = 'refunded', decided_by = 'rules', decision = 'first complaint, no fresh key to be had', decided_at = now() WHERE id = p_id;
				INSERT INTO outbox (id, type, data) VALUES (uuidv7(), 'key.refund-due', jsonb_build_object(
					'complaintId', p_id, 'orderId', p_order, 'orderLineId', bad.order_line_id, 'keyId', p_key));
			END IF;
		END IF;
	END IF;
	RETURN QUERY SELECT c.status, true, over, inventory_weigh_batch(batch, (p_rules->>'freezeAt')::integer) FROM complaints c WHERE c.id = p_id;
END $$;
