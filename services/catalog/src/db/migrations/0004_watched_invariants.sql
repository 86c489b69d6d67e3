CREATE TABLE "invariant_breaches" (
	"id" uuid PRIMARY KEY NOT NULL,
	"invariant" text NOT NULL,
	"subject" text NOT NULL,
	"sentence" text NOT NULL,
	"variant_id" uuid,
	"found_at" timestamp with time zone DEFAULT now() NOT NULL,
	"settled_at" timestamp with time zone,
	"settled_by" uuid,
	"settle_reason" text,
	CONSTRAINT "invariant_breaches_once" UNIQUE("invariant","subject")
);
--> statement-breakpoint
CREATE TABLE "monitor_marks" (
	"name" text PRIMARY KEY NOT NULL,
	"looked_until" timestamp with time zone DEFAULT '-infinity' NOT NULL,
	"due_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE INDEX "invariant_breaches_open" ON "invariant_breaches" USING btree ("variant_id") WHERE "invariant_breaches"."settled_at" is null and "invariant_breaches"."variant_id" is not null;
--> statement-breakpoint
REVOKE UPDATE, DELETE, TRUNCATE ON "invariant_breaches" FROM catalog_app;
--> statement-breakpoint
GRANT UPDATE ("settled_at", "settled_by", "settle_reason") ON "invariant_breaches" TO catalog_app;
