import type { FailureCause, KnitId, OnNode, PlanId, Resources, Retry, RunId, RunStatus } from '@knitfab/core';
import type { ColumnType, Generated, GeneratedAlways } from 'kysely';

/** The tables of migrations/*.sql, for typed queries. */
export interface Database {
  tag: { tag_id: GeneratedAlways<number>; key: string; value: string; digest: GeneratedAlways<Buffer> };
  plan: PlanTable;
  plan_input: {
    input_id: GeneratedAlways<number>;
    plan_id: PlanId;
    position: number;
    path: string;
    tag_count: number;
    pinned_id: string | null;
    pinned_timestamp: string | null;
  };
  plan_input_tag: { input_id: number; tag_id: number };
  plan_output: { output_id: GeneratedAlways<number>; plan_id: PlanId; path: string | null };
  plan_output_tag: { output_id: number; tag_id: number };
  run: RunTable;
  run_input: { run_id: RunId; input_id: number; knit_id: KnitId };
  data: {
    knit_id: KnitId;
    run_id: RunId;
    output_id: number;
    volume_ref: string;
    stamped_at: Date | null;
  };
  data_tag: { knit_id: KnitId; tag_id: number };
  nomination_backlog: { input_id: number; up_to: KnitId; pieces: Generated<number> };
  nomination: { input_id: number; knit_id: KnitId; projected: Generated<boolean>; progress: KnitId[] | null };
  run_attempt: {
    run_id: RunId;
    attempt: number;
    ended_at: Date;
    exit_code: number | null;
    exit_message: string | null;
    cause: FailureCause | null;
    execution: ColumnType<unknown, string, string> | null;
  };
  system: {
    one: Generated<boolean>;
    paused_at: Date | null;
    paused_reason: string | null;
    max_running: number | null;
    inactive_above: Generated<number>;
  };
  garbage: {
    volume_ref: string;
    failures: Generated<number>;
    next_attempt_at: Generated<Date>;
    problem: string | null;
  };
}

interface PlanTable {
  plan_id: Generated<PlanId>;
  identity: Buffer;
  name: string | null;
  image_repository: string | null;
  image_tag: string | null;
  entrypoint: string[] | null;
  args: string[] | null;
  on_node: ColumnType<OnNode, string, string>;
  active: Generated<boolean>;
  resources: ColumnType<Resources, string, string>;
  annotations: string[];
  service_account: string | null;
  max_running: number | null;
  priority: Generated<number>;
  retry: ColumnType<Retry | null, string | null, string | null>;
  created_at: Generated<Date>;
}

interface RunTable {
  run_id: Generated<RunId>;
  plan_id: PlanId;
  combination: KnitId[] | null;
  status: RunStatus;
  updated_at: Generated<Date>;
  exit_code: number | null;
  exit_message: string | null;
  worker: string | null;
  cpu: number | null;
  memory: number | null;
  stopped: Generated<boolean>;
  execution: ColumnType<unknown, string, string> | null;
  attempt: Generated<number>;
  failures: Generated<number>;
  next_attempt_at: Generated<Date>;
  problem: string | null;
  lease_until: Date | null;
  without_place: Generated<boolean>;
  cause: FailureCause | null;
  budget_from: Generated<number>;
}
