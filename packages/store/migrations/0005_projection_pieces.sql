-- A nomination with more combinations than one transaction makes: up to where they have been made. See projection-pieces.ts.
alter table nomination add progress uuid[];
create index nomination_in_progress on nomination (input_id) where progress is not null;
