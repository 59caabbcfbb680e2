-- What admission chooses from, however many Runs back off. Of each Plan those that never failed, the oldest first, and those that
-- are tried again after a pause, the first to be due first: both together are all that wait.
drop index run_waiting;
create index run_waiting on run (plan_id, run_id) where status = 'waiting' and next_attempt_at = '-infinity';
create index run_waiting_again on run (plan_id, next_attempt_at)
  where status = 'waiting' and next_attempt_at > '-infinity';

-- Nobody asks any more when the next one of all Plans' Runs is due.
drop index run_backing_off;
