-- Finding without reading what is not asked for. The lists are in the order of Runs' last changes; each index below ends in
-- that order, so that a page of a list is the beginning of one range, or of one range for each Plan and status asked for.

create index run_by_status on run (status, updated_at, run_id);
create index run_by_plan on run (plan_id, status, updated_at, run_id);
drop index run_failed;                                -- run_by_status serves its queries
drop index run_by_updated_at;                         -- so that deleted Runs are not passed over one by one
create index run_by_updated_at on run (updated_at, run_id) where status <> 'invalidated';

-- Inputs of new Plans to which not all Data that fit have been nominated yet. Those up to this one have, in the order of
-- ids: see nomination-backlog.ts.
create table nomination_backlog (
  input_id bigint primary key references plan_input,
  up_to    uuid not null,
  pieces   integer not null default 0                 -- how many were done, so that many inputs get on side by side
);

-- Pieces go on from the id where the last one ended.
drop index data_by_stamp;
create index data_by_stamp on data (stamped_at, knit_id);
