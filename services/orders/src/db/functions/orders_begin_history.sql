-- An order's first history row comes with the order, whoever makes it. Trigger on orders, after an insert.
CREATE OR REPLACE FUNCTION orders_begin_history() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO order_history (order_id, to_status, reason, actor) VALUES (NEW.id, NEW.status, 'checkout', 'user:' || NEW.customer_id);
	RETURN NULL;
END $$;
