-- A ready Run whose worker could not be started several times gives its place (in max_running, in the system's limit, among those
-- that are kept ready) to others, and gets one again, like those that wait, when it is to be tried again.
alter table run add without_place boolean not null default false
  check (not without_place or next_attempt_at > '-infinity');

-- What is tried again after a pause, the first to be due first: with run_waiting, all that wait for a place.
drop index run_waiting_again;
create index run_waiting_again on run (plan_id, next_attempt_at)
  where (status = 'waiting' or status = 'ready' and without_place) and next_attempt_at > '-infinity';

-- Those that have a place.
create index run_with_place on run (plan_id, status)
  where status in ('ready', 'starting', 'running', 'completing', 'aborting') and worker is not null and not without_place;
