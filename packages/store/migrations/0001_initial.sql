-- Tags, Plans, Runs, Data, nominations (spec page 1). Identities are UUIDs of version 7: unique anywhere, and in the order
-- of their making, so that indexes grow at one end.

-- The wire's spelling of a Data's knit#timestamp.
create function knit_timestamp(moment timestamptz) returns text
  language sql immutable strict parallel safe
  return to_char(moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"');

-- Values may be 1 MiB, more than an index entry holds: tags are unique by digest. A key holds no ":", so the written form
-- is unambiguous. Immutable in truth, since a database has one encoding for ever; PostgreSQL can't know that.
create function tag_digest(key text, value text) returns bytea
  language sql immutable strict parallel safe
  return sha256(convert_to(key || ':' || value, 'UTF8'));

create table tag (
  tag_id bigint generated always as identity primary key,
  key    text not null,
  value  text not null,
  digest bytea not null generated always as (tag_digest(key, value)) stored unique
);

create table plan (
  plan_id          uuid primary key default uuidv7(),
  identity         bytea not null unique,             -- core: planIdentity
  name             text unique,                       -- of the pseudo plans, in place of an image
  image_repository text,
  image_tag        text,
  entrypoint       text[],
  args             text[],
  on_node          jsonb not null default '{}',
  active           boolean not null default true,
  resources        jsonb not null default '{}',
  annotations      text[] not null default '{}',
  service_account  text,
  created_at       timestamptz(3) not null default clock_timestamp(),
  check ((name is null) <> (image_repository is null)),
  check ((image_repository is null) = (image_tag is null))
);
create index plan_by_image on plan (image_repository, image_tag);

-- System tags are not rows: knit#id and knit#timestamp are columns of data, and what an input pins is a column here.
create table plan_input (
  input_id         bigint generated always as identity primary key,
  plan_id          uuid not null references plan,
  position         integer not null,                  -- 1, 2, …: the order of run.combination
  path             text not null,
  tag_count        integer not null,                  -- rows in plan_input_tag
  pinned_id        uuid,                              -- the tag knit#id
  pinned_timestamp text,                              -- the tag knit#timestamp, in its one spelling
  unique (plan_id, position)
);
create index plan_input_by_pinned_id on plan_input (pinned_id) where pinned_id is not null;
create index plan_input_by_pinned_timestamp on plan_input (pinned_timestamp) where pinned_timestamp is not null;

create table plan_input_tag (
  input_id bigint not null references plan_input,
  tag_id   bigint not null references tag,
  primary key (tag_id, input_id)
);
create index plan_input_tag_by_input on plan_input_tag (input_id);

create table plan_output (
  output_id bigint generated always as identity primary key,
  plan_id   uuid not null references plan,
  path      text                                      -- null: the log
);
create unique index plan_output_by_plan on plan_output (plan_id, path) nulls not distinct;

create table plan_output_tag (
  output_id bigint not null references plan_output,
  tag_id    bigint not null references tag,
  primary key (output_id, tag_id)
);
create index plan_output_tag_by_tag on plan_output_tag (tag_id);

create table run (
  run_id          uuid primary key default uuidv7(),
  plan_id         uuid not null references plan,
  -- The ids of the input Data in the order of plan_input.position. "Exactly once" is this table's unique key. It holds for
  -- deleted Runs too, whose inputs may be gone; null for Runs of pseudo plans, which have no inputs.
  combination     uuid[],
  status          text not null check (status in ('deactivated', 'waiting', 'ready', 'starting', 'running', 'completing',
                                                  'aborting', 'done', 'failed', 'invalidated')),
  updated_at      timestamptz(3) not null default clock_timestamp(),
  exit_code       smallint,
  exit_message    text,
  worker          text,                               -- the worker's name, from ready on
  cpu             double precision,                   -- cores and bytes that the worker takes, from starting on
  memory          double precision,
  stopped         boolean not null default false,     -- a user ended it: its worker may have to be ended too
  execution       jsonb,                              -- what was really executed (engine: Execution)
  attempt         integer not null default 1,         -- 2 and more after a retry
  failures        integer not null default 0,         -- failed tries of the present step, and when the next one is due
  next_attempt_at timestamptz not null default '-infinity',
  problem         text,                               -- why the last try failed, or what the worker waits for
  lease_until     timestamptz,                        -- of an upload: it is abandoned when nobody prolongs this
  unique (plan_id, combination)
);
-- What the loops look for, and nothing else: it stays small however long the history is.
create index run_unfinished on run (status, run_id)
  where status in ('deactivated', 'waiting', 'ready', 'starting', 'running', 'completing', 'aborting');
create index run_failed on run (updated_at) where status = 'failed';
create index run_by_updated_at on run (updated_at, run_id);

create table data (
  knit_id    uuid primary key,
  run_id     uuid not null references run,
  output_id  bigint not null references plan_output,
  volume_ref text not null unique,
  stamped_at timestamptz(3),                          -- knit#timestamp: when the Run finished
  unique (run_id, output_id)
);
create index data_by_stamp on data (stamped_at);

create table data_tag (
  knit_id uuid not null references data on delete cascade,
  tag_id  bigint not null references tag,
  primary key (tag_id, knit_id)
);
create index data_tag_by_data on data_tag (knit_id, tag_id);

create table run_input (
  run_id   uuid not null references run on delete cascade,
  input_id bigint not null references plan_input,
  knit_id  uuid not null references data,
  primary key (run_id, input_id)
);
create index run_input_by_data on run_input (knit_id);

create table nomination (
  input_id  bigint not null references plan_input,
  knit_id   uuid not null references data on delete cascade,
  projected boolean not null default false,           -- whether its combinations have their Runs
  primary key (input_id, knit_id)
);
create index nomination_by_data on nomination (knit_id);
create index nomination_to_project on nomination (input_id) where not projected;

-- Volumes that nothing refers to any more, to be destroyed.
create table garbage (
  volume_ref      text primary key,
  failures        integer not null default 0,
  next_attempt_at timestamptz not null default '-infinity',
  problem         text
);
create index garbage_due on garbage (next_attempt_at);

insert into plan (identity, name) values
  (sha256('knit#uploaded'), 'knit#uploaded'),
  (sha256('knit#imported'), 'knit#imported');
insert into plan_output (plan_id, path)
  select plan_id, case name when 'knit#uploaded' then '/upload' else '/imported' end from plan;
