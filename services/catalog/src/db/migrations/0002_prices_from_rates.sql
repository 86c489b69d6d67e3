CREATE TABLE "fx_quotes" (
	"id" uuid PRIMARY KEY NOT NULL,
	"source" text NOT NULL,
	"currency" text NOT NULL,
	"rate_rial" bigint NOT NULL,
	"quoted_at" timestamp with time zone NOT NULL,
	"read_at" timestamp with time zone DEFAULT now() NOT NULL,
	"verdict" text NOT NULL,
	CONSTRAINT "fx_quotes_rate" CHECK ("fx_quotes"."rate_rial" between 1000 and 1000000000)
);
--> statement-breakpoint
CREATE TABLE "fx_rates" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "fx_rates_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"currency" text NOT NULL,
	"rate_rial" bigint NOT NULL,
	"source" text NOT NULL,
	"reason" text,
	"set_by" text,
	"accepted_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "fx_rates_rate" CHECK ("fx_rates"."rate_rial" between 1000 and 1000000000)
);
--> statement-breakpoint
CREATE TABLE "fx_states" (
	"currency" text PRIMARY KEY NOT NULL,
	"rate_id" bigint,
	"market_rate_rial" bigint,
	"agreed_at" timestamp with time zone,
	"frozen_since" timestamp with time zone,
	"alarmed_at" timestamp with time zone,
	"manual_rate_rial" bigint,
	"manual_reason" text,
	"manual_by" text,
	"manual_until" timestamp with time zone,
	"due_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "price_formulas" (
	"variant_id" uuid PRIMARY KEY NOT NULL,
	"currency" text NOT NULL,
	"cost_minor" integer NOT NULL,
	"margin_basis_points" integer NOT NULL,
	"fee_rial" bigint NOT NULL,
	"step_rial" bigint NOT NULL,
	"floor_rial" bigint NOT NULL,
	"ceiling_rial" bigint,
	"priced_rate_id" bigint,
	CONSTRAINT "price_formulas_cost" CHECK ("price_formulas"."cost_minor" between 1 and 10000000),
	CONSTRAINT "price_formulas_margin" CHECK ("price_formulas"."margin_basis_points" between 0 and 100000),
	CONSTRAINT "price_formulas_fee" CHECK ("price_formulas"."fee_rial" between 0 and 1000000000000),
	CONSTRAINT "price_formulas_step" CHECK ("price_formulas"."step_rial" between 10 and 10000000 and "price_formulas"."step_rial" % 10 = 0),
	CONSTRAINT "price_formulas_bounds" CHECK ("price_formulas"."floor_rial" >= 10000 and "price_formulas"."ceiling_rial" >= "price_formulas"."floor_rial")
);
--> statement-breakpoint
CREATE TABLE "price_history" (
	"id" uuid PRIMARY KEY NOT NULL,
	"variant_id" uuid NOT NULL,
	"old_price_rial" bigint NOT NULL,
	"price_rial" bigint NOT NULL,
	"cause" text NOT NULL,
	"inputs" jsonb,
	"rate_id" bigint,
	"reason" text,
	"changed_by" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "fx_states" ADD CONSTRAINT "fx_states_rate_id_fx_rates_id_fk" FOREIGN KEY ("rate_id") REFERENCES "public"."fx_rates"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "price_formulas" ADD CONSTRAINT "price_formulas_variant_id_variants_id_fk" FOREIGN KEY ("variant_id") REFERENCES "public"."variants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "price_formulas" ADD CONSTRAINT "price_formulas_currency_fx_states_currency_fk" FOREIGN KEY ("currency") REFERENCES "public"."fx_states"("currency") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "price_formulas" ADD CONSTRAINT "price_formulas_priced_rate_id_fx_rates_id_fk" FOREIGN KEY ("priced_rate_id") REFERENCES "public"."fx_rates"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "price_history" ADD CONSTRAINT "price_history_variant_id_variants_id_fk" FOREIGN KEY ("variant_id") REFERENCES "public"."variants"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "price_history" ADD CONSTRAINT "price_history_rate_id_fx_rates_id_fk" FOREIGN KEY ("rate_id") REFERENCES "public"."fx_rates"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "fx_quotes_latest" ON "fx_quotes" USING btree ("currency","source","read_at");--> statement-breakpoint
CREATE INDEX "fx_quotes_age" ON "fx_quotes" USING btree ("read_at");--> statement-breakpoint
CREATE INDEX "price_formulas_currency" ON "price_formulas" USING btree ("currency","priced_rate_id");--> statement-breakpoint
CREATE INDEX "price_history_variant" ON "price_history" USING btree ("variant_id","id");
--> statement-breakpoint
INSERT INTO "fx_states" ("currency") VALUES ('USD'), ('EUR'), ('TRY');
--> statement-breakpoint
-- What a price was made of is evidence: nobody writes it anew.
REVOKE UPDATE, DELETE, TRUNCATE ON "price_history", "fx_rates" FROM catalog_app;
