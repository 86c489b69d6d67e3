CREATE TABLE "staff_view_customers" (
	"view_id" uuid NOT NULL,
	"customer_id" uuid NOT NULL,
	CONSTRAINT "staff_view_customers_view_id_customer_id_pk" PRIMARY KEY("view_id","customer_id")
);
--> statement-breakpoint
CREATE TABLE "staff_views" (
	"id" uuid PRIMARY KEY NOT NULL,
	"staff_id" uuid NOT NULL,
	"session_id" uuid NOT NULL,
	"operation" text NOT NULL,
	"about" jsonb NOT NULL,
	"customer_count" integer NOT NULL,
	"ip" text NOT NULL,
	"request_id" text NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "staff_views_count" CHECK ("staff_views"."customer_count" > 0)
);
--> statement-breakpoint
ALTER TABLE "staff_view_customers" ADD CONSTRAINT "staff_view_customers_view_id_staff_views_id_fk" FOREIGN KEY ("view_id") REFERENCES "public"."staff_views"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "staff_view_customers_customer" ON "staff_view_customers" USING btree ("customer_id");--> statement-breakpoint
CREATE INDEX "staff_views_staff" ON "staff_views" USING btree ("staff_id","at");
--> statement-breakpoint
-- Who read whose data is evidence: nobody writes it anew.
REVOKE UPDATE, DELETE, TRUNCATE ON "staff_views", "staff_view_customers" FROM identity_app;
--> statement-breakpoint
-- The shop always has an admin who can sign in. The lock makes two admins who give up at the same moment take turns.
CREATE FUNCTION identity_keep_an_admin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_advisory_xact_lock(7313);
	IF NOT EXISTS (SELECT FROM users WHERE status = 'active' AND 'admin' = ANY (roles)) THEN
		RAISE EXCEPTION 'the last admin stays' USING ERRCODE = 'KE091';
	END IF;
	RETURN NULL;
END $$;
--> statement-breakpoint
CREATE TRIGGER identity_keep_an_admin AFTER UPDATE OF roles, status ON "users" FOR EACH ROW
	WHEN (OLD.status = 'active' AND 'admin' = ANY (OLD.roles) AND NOT (NEW.status = 'active' AND 'admin' = ANY (NEW.roles)))
	EXECUTE FUNCTION identity_keep_an_admin();
--> statement-breakpoint
CREATE TRIGGER identity_keep_an_admin_row AFTER DELETE ON "users" FOR EACH ROW
	WHEN (OLD.status = 'active' AND 'admin' = ANY (OLD.roles)) EXECUTE FUNCTION identity_keep_an_admin();
