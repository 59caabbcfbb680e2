-- Volumes that are made before anybody needs them, where making one takes seconds: the next Data takes one that is ready.
create table spare_volume (
  volume_ref      text primary key,
  kind            text not null,                      -- how it is made: another configuration throws it away
  ready           boolean not null default false,
  failures        integer not null default 0,         -- failed tries to make it, and when the next one is due
  next_attempt_at timestamptz not null default '-infinity',
  problem         text,
  noted_at        timestamptz not null default clock_timestamp()
);
