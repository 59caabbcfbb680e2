-- What users are told of changes of Runs and Data (events.ts), and what of the rest is counted (run-counts.ts).

-- A change, written by the transaction that makes it. Readers go by transactions rather than by numbers, which are not in
-- the order of commits: see event-position.ts. Not logged, since readers can do without: after a crash it is empty, its
-- epoch is another one, and they are told to read everything again.
create unlogged table event (
  transaction  xid8 not null default pg_current_xact_id(),
  number       bigint generated always as identity,
  happened_at  timestamptz not null default now(),
  run_id       uuid,                                  -- of a Run: as it became
  plan_id      uuid,
  status       text,                                  -- null or invalidated: it is deleted
  updated_at   timestamptz(3),
  exit_code    smallint,
  exit_message text,
  knit_id      uuid,                                  -- of a Data: its tags are as they are when it is told
  deleted      boolean not null default false,
  primary key (transaction, number)
);

-- One row. A position of another epoch is worth nothing.
create unlogged table event_epoch (
  one        boolean primary key default true check (one),
  epoch      uuid not null default gen_random_uuid(),
  trimmed_to xid8 not null default '0',               -- events up to this transaction may have been removed
  -- The transaction that wrote this row: another one than its xmin in a copy that pg_dump made, whose events are of no use.
  written    xid8 not null default pg_current_xact_id()
);

-- How many Runs are in each status: the sum of the changes. Transactions add rows rather than change one, so none waits for
-- another; housekeeping adds them up.
create table run_count (
  status text not null,
  change bigint not null
);
insert into run_count (status, change) select status, count(*) from run group by status;

-- Since when a row waits for its loop.
alter table nomination add column nominated_at timestamptz not null default now();
alter table garbage add column discarded_at timestamptz not null default now();
