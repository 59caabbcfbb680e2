import type { Store } from '@knitfab/store';
import { sql } from 'kysely';

/**
 * Lets the database itself keep every change of a Run's status (table `status_change`), and what it should not have allowed
 * (table `breach`): a Run that comes under way while the system is paused, or beyond a limit. It also numbers the actions of
 * users, in the order in which they took the rows that they changed.
 * @param cpu cores of the machine
 */
export async function recordChanges(db: Store['db'], cpu: number | undefined): Promise<void> {
  await sql
    .raw(`
    create sequence action_order;
    create table status_change (was text, now text);
    create table breach (problem text);
    create table capacity (cpu float8);
    insert into capacity values (${cpu ?? 'null'});
    create function record_status() returns trigger language plpgsql as $$
      begin
        if new.status <> old.status then insert into status_change values (old.status, new.status); end if;
        return null;
      end $$;
    create trigger record_status after update on run for each row execute function record_status();
    create view under_way as
      select * from run
      where status in ('ready', 'starting', 'running', 'completing', 'aborting') and worker is not null
        and not without_place;
    create function check_limits() returns trigger language plpgsql as $$
      begin
        insert into breach
        select format('%s → %s while paused', old.status, new.status) from system
        where paused_at is not null and new.status in ('ready', 'starting')
        union all
        select 'more Runs of a Plan than its max_running' from plan
        where new.status = 'ready' and plan.plan_id = new.plan_id
          and max_running < (select count(*) from under_way where under_way.plan_id = new.plan_id)
        union all
        select 'more Runs than max_running of the system' from system
        where new.status = 'ready' and max_running < (select count(*) from under_way)
        union all
        select 'more cores than there are' from capacity
        where new.status = 'starting' and capacity.cpu + 0.001 <
          (select sum(run.cpu) from run
           where status in ('starting', 'running') or (status in ('completing', 'aborting') and stopped));
        return null;
      end $$;
    create trigger check_limits after update on run for each row
      when (old.status <> new.status or old.without_place and not new.without_place) execute function check_limits();`)
    .execute(db);
}
