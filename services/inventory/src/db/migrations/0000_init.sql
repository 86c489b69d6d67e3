CREATE TABLE "key_allocations" (
	"key_id" uuid PRIMARY KEY NOT NULL,
	"order_line_id" uuid NOT NULL,
	"unit_no" integer NOT NULL,
	"replacement_no" integer DEFAULT 0 NOT NULL,
	"order_id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	"variant_id" uuid NOT NULL,
	"allocated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "key_allocations_unit" UNIQUE("order_line_id","unit_no","replacement_no"),
	CONSTRAINT "key_allocations_unit_no" CHECK ("key_allocations"."unit_no" > 0)
);
--> statement-breakpoint
CREATE TABLE "key_audit" (
	"id" uuid PRIMARY KEY NOT NULL,
	"key_id" uuid NOT NULL,
	"actor" text NOT NULL,
	"from_status" text NOT NULL,
	"to_status" text NOT NULL,
	"reason" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "key_batches" (
	"id" uuid PRIMARY KEY NOT NULL,
	"variant_id" uuid NOT NULL,
	"brand" text NOT NULL,
	"label" text NOT NULL,
	"import_id" uuid,
	"wrapped_dek" "bytea" NOT NULL,
	"kek_id" text NOT NULL,
	"imported_count" integer NOT NULL,
	"duplicate_count" integer NOT NULL,
	"invalid_count" integer NOT NULL,
	"problems" jsonb NOT NULL,
	"unit_cost_rial" bigint,
	"expires_at" timestamp with time zone,
	"created_by" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "key_batches_import_id_unique" UNIQUE("import_id"),
	CONSTRAINT "key_batches_cost" CHECK ("key_batches"."unit_cost_rial" >= 0)
);
--> statement-breakpoint
CREATE TABLE "key_reveals" (
	"id" uuid PRIMARY KEY NOT NULL,
	"key_id" uuid NOT NULL,
	"actor" text NOT NULL,
	"session_id" uuid,
	"reason" text,
	"ip_prefix" text,
	"user_agent" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "outbox" (
	"id" uuid PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"data" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"claimed_until" timestamp with time zone,
	"sent_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "product_keys" (
	"id" uuid PRIMARY KEY NOT NULL,
	"batch_id" uuid NOT NULL,
	"variant_id" uuid NOT NULL,
	"brand" text NOT NULL,
	"ciphertext" "bytea" NOT NULL,
	"nonce" "bytea" NOT NULL,
	"tag" "bytea" NOT NULL,
	"blind_index" "bytea" NOT NULL,
	"blind_index_version" smallint NOT NULL,
	"masked" text NOT NULL,
	"status" text NOT NULL,
	"reservation_id" uuid,
	"expires_at" timestamp with time zone,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "product_keys_once" UNIQUE("brand","blind_index"),
	CONSTRAINT "product_keys_status" CHECK ("product_keys"."status" in ('available', 'reserved', 'allocated', 'quarantined', 'expired', 'void')),
	CONSTRAINT "product_keys_reserved_for" CHECK (("product_keys"."status" = 'reserved') = ("product_keys"."reservation_id" is not null)),
	CONSTRAINT "product_keys_sealed" CHECK (octet_length("product_keys"."nonce") = 12 and octet_length("product_keys"."tag") = 16)
);
--> statement-breakpoint
CREATE TABLE "reservation_lines" (
	"reservation_id" uuid NOT NULL,
	"order_line_id" uuid NOT NULL,
	"variant_id" uuid NOT NULL,
	"quantity" integer NOT NULL,
	CONSTRAINT "reservation_lines_reservation_id_order_line_id_pk" PRIMARY KEY("reservation_id","order_line_id"),
	CONSTRAINT "reservation_lines_quantity" CHECK ("reservation_lines"."quantity" > 0)
);
--> statement-breakpoint
CREATE TABLE "reservations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"order_id" uuid NOT NULL,
	"round" integer NOT NULL,
	"status" text NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	CONSTRAINT "reservations_once" UNIQUE("order_id","round"),
	CONSTRAINT "reservations_status" CHECK ("reservations"."status" in ('held', 'consumed', 'released', 'expired'))
);
--> statement-breakpoint
CREATE TABLE "stock_touches" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "stock_touches_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"variant_id" uuid NOT NULL
);
--> statement-breakpoint
CREATE TABLE "vault_checks" (
	"name" text PRIMARY KEY NOT NULL,
	"proof" "bytea" NOT NULL
);
--> statement-breakpoint
ALTER TABLE "key_allocations" ADD CONSTRAINT "key_allocations_key_id_product_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."product_keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "key_audit" ADD CONSTRAINT "key_audit_key_id_product_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."product_keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "key_reveals" ADD CONSTRAINT "key_reveals_key_id_product_keys_id_fk" FOREIGN KEY ("key_id") REFERENCES "public"."product_keys"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "product_keys" ADD CONSTRAINT "product_keys_batch_id_key_batches_id_fk" FOREIGN KEY ("batch_id") REFERENCES "public"."key_batches"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "reservation_lines" ADD CONSTRAINT "reservation_lines_reservation_id_reservations_id_fk" FOREIGN KEY ("reservation_id") REFERENCES "public"."reservations"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "key_allocations_order" ON "key_allocations" USING btree ("order_id");--> statement-breakpoint
CREATE INDEX "key_allocations_customer" ON "key_allocations" USING btree ("customer_id","allocated_at","key_id");--> statement-breakpoint
CREATE INDEX "key_allocations_variant" ON "key_allocations" USING btree ("variant_id");--> statement-breakpoint
CREATE INDEX "key_reveals_key" ON "key_reveals" USING btree ("key_id","at");--> statement-breakpoint
CREATE INDEX "outbox_unsent" ON "outbox" USING btree ("id") WHERE "outbox"."sent_at" is null;--> statement-breakpoint
CREATE INDEX "product_keys_available" ON "product_keys" USING btree ("variant_id","expires_at","id") WHERE "product_keys"."status" = 'available';--> statement-breakpoint
CREATE INDEX "product_keys_reserved" ON "product_keys" USING btree ("reservation_id") WHERE "product_keys"."status" = 'reserved';--> statement-breakpoint
CREATE INDEX "product_keys_expiring" ON "product_keys" USING btree ("expires_at") WHERE "product_keys"."status" = 'available' and "product_keys"."expires_at" is not null;--> statement-breakpoint
CREATE INDEX "product_keys_batch" ON "product_keys" USING btree ("batch_id","id");--> statement-breakpoint
CREATE INDEX "product_keys_variant" ON "product_keys" USING btree ("variant_id","id");--> statement-breakpoint
CREATE INDEX "reservations_due" ON "reservations" USING btree ("expires_at") WHERE "reservations"."status" = 'held';