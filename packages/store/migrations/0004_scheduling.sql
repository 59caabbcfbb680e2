-- When Runs are started, how often they are tried again, and what stops all of them (spec page 8, rows 5, 6 and 8).

alter table plan
  add max_running integer,                            -- Runs under way at once; null: any number
  add priority    integer not null default 0,
  add retry       jsonb;                              -- core: Retry; null: the default

alter table run
  add cause       text check (cause in ('lost', 'error', 'user')),  -- of its failure
  add budget_from integer not null default 1;         -- attempts from this one on count against the budgets of retries

-- The attempts of a Run before the present one.
create table run_attempt (
  run_id       uuid not null references run on delete cascade,
  attempt      integer not null,
  ended_at     timestamptz(3) not null,
  exit_code    smallint,
  exit_message text,
  cause        text,
  execution    jsonb,
  primary key (run_id, attempt)
);

-- Waiting Runs by Plan, oldest first: what admission chooses from, however many wait.
create index run_waiting on run (plan_id, run_id) where status = 'waiting';
-- When the next Run that backs off is due.
create index run_backing_off on run (next_attempt_at)
  where next_attempt_at > '-infinity'
    and status in ('deactivated', 'waiting', 'ready', 'starting', 'running', 'completing', 'aborting');

-- What holds for the whole system: one row.
create table system (
  one           boolean primary key default true check (one),
  paused_at     timestamptz(3),                       -- null: not paused
  paused_reason text,
  max_running   integer,                              -- Runs under way at once; null: any number
  -- A new Plan that would start more Runs than this at once is made inactive.
  inactive_above integer not null default 1000
);
insert into system default values;
