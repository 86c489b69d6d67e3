-- What is left of an order that was refunded in part may go back too.
INSERT INTO "order_moves" VALUES ('part_refunded', 'refunding');
