create table orders (id uuid primary key, customer_id uuid not null, status text not null, total_rial bigint not null check (total_rial > 0));
create table order_lines (id uuid primary key, order_id uuid not null references orders, position int not null, quantity int not null);
create table keys (id uuid primary key default gen_random_uuid(), status text not null default 'available');
create index keys_available on keys (id) where status = 'available';
create table allocations (key_id uuid primary key references keys, order_line_id uuid not null unique);
create table payments (id uuid primary key, order_id uuid not null unique, amount_rial bigint not null);
create table entries (payment_id uuid not null references payments, account text not null, amount_rial bigint not null);
insert into keys (status) select 'available' from generate_series(1, 200000);
