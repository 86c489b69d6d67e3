-- Compares one file of a PSP with the ledger, all of it or nothing: each line with its verdict, each difference with its cause, and for
-- what agrees the money from the PSP's clearing account to the bank, once. It answers the import that this very file made. The amounts of a
-- line are whole Rial; of a foreign PSP cents, of which an attempt tells its own (terms.amountMinor).
CREATE OR REPLACE FUNCTION payments_import_settlement(p_id uuid, p_psp text, p_day date, p_hash text, p_actor text, p_is_foreign boolean, p_rows jsonb)
RETURNS uuid LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
	starts timestamptz := p_day::timestamp AT TIME ZONE 'Asia/Tehran';
	ends timestamptz := (p_day + 1)::timestamp AT TIME ZONE 'Asia/Tehran';
	r record;
	a payment_attempts%ROWTYPE;
	f refunds%ROWTYPE;
	minor bigint; -- The whole attempt in the unit of the report.
	ledger_rial bigint;
	reported_rial bigint;
	fee bigint;
	settled boolean;
	verdict text;
	posted boolean;
BEGIN
	IF ends > now() THEN
		RAISE EXCEPTION 'this day is not over' USING ERRCODE = 'KE035';
	END IF;
	-- Two files of one PSP take turns, so that each sees what the other settled.
	PERFORM pg_advisory_xact_lock(hashtextextended('settlement ' || p_psp, 0));
	INSERT INTO settlement_imports (id, psp, day, content_hash, imported_by) VALUES (p_id, p_psp, p_day, p_hash, p_actor) ON CONFLICT (psp, content_hash) DO NOTHING;
	IF NOT FOUND THEN
		RETURN (SELECT id FROM settlement_imports WHERE psp = p_psp AND content_hash = p_hash);
	END IF;
	FOR r IN SELECT * FROM jsonb_to_recordset(p_rows) AS x(line int, kind text, reference text, token text, amount bigint, fee bigint, net bigint, fee_is_high boolean) ORDER BY x.line LOOP
		f := NULL;
		SELECT * INTO a FROM payment_attempts p WHERE p.psp = p_psp AND (p.psp_reference = r.reference OR p.psp_token IN (r.token, r.reference))
			ORDER BY (p.psp_reference = r.reference) DESC NULLS LAST LIMIT 1;
		IF r.kind = 'refund' THEN
			SELECT x.* INTO f FROM refunds x JOIN payment_attempts p ON p.id = x.attempt_id WHERE p.psp = p_psp AND x.status = 'succeeded' AND (x.attempt_id = a.id OR x.reference = r.reference)
				ORDER BY x.amount_rial <> r.amount AND NOT p_is_foreign, EXISTS (SELECT FROM ledger_transactions t WHERE t.kind = 'settlement-refund' AND t.business_ref = x.id), x.id LIMIT 1;
			IF f.id IS NOT NULL THEN
				SELECT * INTO a FROM payment_attempts p WHERE p.id = f.attempt_id;
			END IF;
		END IF;
		minor := CASE WHEN NOT p_is_foreign THEN a.amount_rial WHEN a.terms ->> 'amountMinor' ~ '^[1-9][0-9]{0,14}$' THEN (a.terms ->> 'amountMinor')::bigint END;
		ledger_rial := CASE r.kind WHEN 'refund' THEN f.amount_rial ELSE a.amount_rial END;
		reported_rial := CASE WHEN minor > 0 THEN round(r.amount::numeric * a.amount_rial / minor)::bigint WHEN NOT p_is_foreign THEN r.amount END;
		fee := CASE WHEN minor > 0 THEN round(r.fee::numeric * a.amount_rial / minor)::bigint WHEN NOT p_is_foreign THEN r.fee END;
		settled := EXISTS (SELECT FROM ledger_transactions t WHERE (t.kind = 'settlement' AND r.kind = 'payment' AND t.business_ref = a.id) OR (t.kind = 'settlement-refund' AND t.business_ref = f.id));
		verdict := CASE
			WHEN settled THEN 'duplicate-row'
			WHEN r.kind = 'payment' AND EXISTS (SELECT FROM settlement_rows s WHERE s.psp = p_psp AND s.kind = 'payment' AND s.reference = r.reference AND (a.id IS NULL OR s.import_id = p_id)) THEN 'duplicate-row'
			WHEN r.kind = 'refund' AND f.id IS NULL THEN 'refund-not-in-ledger'
			WHEN a.id IS NULL THEN 'not-in-ledger'
			WHEN a.status <> 'captured' THEN CASE WHEN EXISTS (SELECT FROM payment_intents i WHERE i.id = a.intent_id AND i.status IN ('expired', 'cancelled')) THEN 'dead-order' ELSE 'not-captured' END
			WHEN r.amount IS DISTINCT FROM round(ledger_rial::numeric * minor / a.amount_rial)::bigint THEN 'amount-differs'
			WHEN r.net IS DISTINCT FROM CASE r.kind WHEN 'refund' THEN r.amount + r.fee ELSE r.amount - r.fee END OR (r.kind = 'payment' AND r.fee >= r.amount) THEN 'sums-differ'
			WHEN r.fee_is_high THEN 'fee-too-high'
			ELSE 'matched' END;
		INSERT INTO settlement_rows (id, import_id, psp, line, kind, reference, amount_rial, fee_rial, attempt_id, refund_id, verdict)
			VALUES (uuidv7(), p_id, p_psp, r.line, r.kind, r.reference, reported_rial, fee, a.id, f.id, verdict);
		IF verdict <> 'matched' THEN
			INSERT INTO settlement_differences (id, import_id, psp, day, cause, line, reference, attempt_id, refund_id, reported_rial, ledger_rial, fee_rial)
				VALUES (uuidv7(), p_id, p_psp, p_day, verdict, r.line, r.reference, a.id, f.id, reported_rial, ledger_rial, fee);
		END IF;
		IF verdict IN ('matched', 'fee-too-high') THEN
			IF r.kind = 'refund' THEN
				posted := ledger_post('settlement-refund', f.id, f.order_id, ARRAY['clearing:' || p_psp, 'bank:settlements'] || CASE WHEN fee > 0 THEN ARRAY['fees:' || p_psp] ELSE '{}' END,
					ARRAY[ledger_rial, -ledger_rial - fee] || CASE WHEN fee > 0 THEN ARRAY[fee] ELSE '{}' END);
			ELSE
				posted := ledger_post('settlement', a.id, a.order_id, ARRAY['bank:settlements', 'clearing:' || p_psp] || CASE WHEN fee > 0 THEN ARRAY['fees:' || p_psp] ELSE '{}' END,
					ARRAY[ledger_rial - fee, -ledger_rial] || CASE WHEN fee > 0 THEN ARRAY[fee] ELSE '{}' END);
			END IF;
			IF NOT posted THEN
				RAISE EXCEPTION 'line % was settled by somebody else meanwhile', r.line USING ERRCODE = '40001';
			END IF;
		END IF;
	END LOOP;
	-- What the report lacks: captured or given back on this day, and in no file yet.
	INSERT INTO settlement_differences (id, import_id, psp, day, cause, reference, attempt_id, ledger_rial)
		SELECT uuidv7(), p_id, p_psp, p_day, 'not-in-report', p.psp_reference, p.id, p.amount_rial
		FROM ledger_transactions t JOIN payment_attempts p ON p.id = t.business_ref
		WHERE t.kind = 'capture' AND t.at >= starts AND t.at < ends AND p.psp = p_psp
			AND NOT EXISTS (SELECT FROM ledger_transactions s WHERE s.kind = 'settlement' AND s.business_ref = p.id)
			AND NOT EXISTS (SELECT FROM settlement_rows s WHERE s.import_id = p_id AND s.kind = 'payment' AND s.attempt_id = p.id)
		ON CONFLICT DO NOTHING;
	INSERT INTO settlement_differences (id, import_id, psp, day, cause, reference, attempt_id, refund_id, ledger_rial)
		SELECT uuidv7(), p_id, p_psp, p_day, 'refund-not-in-report', x.reference, p.id, x.id, x.amount_rial
		FROM ledger_transactions t JOIN refunds x ON x.id = t.business_ref JOIN payment_attempts p ON p.id = x.attempt_id
		WHERE t.kind = 'staff-refund' AND t.at >= starts AND t.at < ends AND p.psp = p_psp
			AND NOT EXISTS (SELECT FROM ledger_transactions s WHERE s.kind = 'settlement-refund' AND s.business_ref = x.id)
			AND NOT EXISTS (SELECT FROM settlement_rows s WHERE s.import_id = p_id AND s.kind = 'refund' AND s.refund_id = x.id)
		ON CONFLICT DO NOTHING;
	RETURN p_id;
END $$;
