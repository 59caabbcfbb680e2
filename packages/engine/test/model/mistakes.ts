// biome-ignore-all lint/suspicious/noTemplateCurlyInString: pieces of sources, not templates
// Mistakes that somebody could make in the engine, each in one place. They are made on purpose, one at a time, to see whether the
// model test finds them: `npm run mistakes`.

export interface Mistake {
  readonly name: string;
  /** Below `packages`. */
  readonly file: string;
  /** What stands there once, and what it is made. */
  readonly from: string;
  readonly to: string;
}

export const mistakes: readonly Mistake[] = [
  {
    name: 'a combination that has a Run gets another try, and no conflict is expected',
    file: 'store/src/projection.ts',
    from: '      on conflict (plan_id, combination) do nothing\n',
    to: '',
  },
  {
    name: 'new nominations are combined with only two Data of the other inputs',
    file: 'store/src/projection.ts',
    from: 'where input_id = ${each} and projected ${among})',
    to: 'where input_id = ${each} and projected ${among} limit 2)',
  },
  {
    name: 'Runs of an inactive Plan wait',
    file: 'store/src/projection.ts',
    from: "plan.active ? 'waiting' : 'deactivated'",
    to: "plan.active ? 'waiting' : 'waiting'",
  },
  {
    name: 'a Plan that comes does not wait for Data that change',
    file: 'store/src/plans.ts',
    from: "  await lockNominations(tx, 'plan');\n",
    to: '',
  },
  {
    name: 'Data that change do not wait for a Plan that comes',
    file: 'store/src/data.ts',
    from: "  await lockNominations(tx, 'data');\n",
    to: '',
  },
  {
    name: 'two changes of the tags of one Data at the same time',
    file: 'store/src/data.ts',
    from: 'where knit_id = ${knitId} for no key update`',
    to: 'where knit_id = ${knitId}`',
  },
  {
    name: 'nominations are not withdrawn when a tag is taken away',
    file: 'store/src/data.ts',
    from: 'if (taken + given === 0n) return;',
    to: 'if (given === 0n) return;',
  },
  {
    name: 'a tag that comes late nominates nothing where another one goes',
    file: 'store/src/data.ts',
    from: '  if (taken + given === 0n) return;',
    to: '  if (taken > 0n || given === 0n) return;',
  },
  {
    name: 'the outputs of a Run that is done are not nominated',
    file: 'engine/src/finishing.ts',
    from: '  if (made.length > 0) await renominateData(tx, made);\n',
    to: '',
  },
  {
    name: 'the last piece of a backlog is forgotten',
    file: 'store/src/nomination-backlog.ts',
    from: 'last === undefined || seen.length < size',
    to: 'last === undefined || seen.length <= size',
  },
  {
    name: 'a piece of a backlog does not look again at Data that change meanwhile',
    file: 'store/src/nomination-backlog.ts',
    from: '    where ${fits(input)}\n    on conflict do nothing',
    to: '    on conflict do nothing',
  },
  {
    name: 'a pinned Data is not asked for when a Plan comes',
    file: 'store/src/nomination-backlog.ts',
    from: '...(pinnedId === null ? [] : [sql`way.knit_id = ${pinnedId}::uuid`]),',
    to: '',
  },
  {
    name: 'a pinned time is not asked for when tags change',
    file: 'store/src/nominations.ts',
    from: '        and (pinned_timestamp is null or pinned_timestamp = knit_timestamp(fits.stamped_at))\n',
    to: '',
  },
  {
    name: 'a pause holds back no Run that is ready',
    file: 'store/src/ready-runs.ts',
    from: '        and not exists (select from system where paused_at is not null)\n',
    to: '',
  },
  {
    name: "two copies fill the system's limit at the same time",
    file: 'store/src/admission.ts',
    from: 'room: terms.mayFill ? maxRunning - (await countUnderWay(tx)) : 0 }',
    to: 'room: maxRunning - (await countUnderWay(tx)) }',
  },
  {
    name: 'two copies fill the max_running of a Plan at the same time',
    file: 'store/src/admission.ts',
    from: '(max_running is null or ${terms.mayFill})',
    to: '(max_running is null or ${terms.mayFill} or true)',
  },
  {
    name: 'two copies give away the same room of the machine',
    file: 'engine/src/run-management/start-workers.ts',
    from: '  await lockReservations(tx);\n',
    to: '',
  },
  {
    name: 'two copies take the same Run',
    file: 'store/src/run-claims.ts',
    from: '    limit ${limit}\n    for no key update skip locked',
    to: '    limit ${limit}',
  },
  {
    name: 'a Run that could not be started never gets its place again',
    file: 'store/src/admission.ts',
    from: "(status = 'waiting' or status = 'ready' and without_place)`",
    to: "status = 'waiting'`",
  },
  {
    name: 'two copies start the same worker',
    file: 'store/src/ready-runs.ts',
    from: '    limit ${limit}\n    for no key update of run skip locked',
    to: '    limit ${limit}',
  },
  {
    name: 'a Run changes its status from wherever it is',
    file: 'store/src/run-status.ts',
    from: ' and status = any (${statusesBefore(to)}::text[])',
    to: ' and ${statusesBefore(to)}::text[] is not null',
  },
  {
    name: 'users do not wait for the loop that has their Run',
    file: 'store/src/run-requests.ts',
    from: "status <> 'invalidated' for update`",
    to: "status <> 'invalidated'`",
  },
  {
    name: 'a Run is retried though another one uses its outputs',
    file: 'store/src/run-requests.ts',
    from: "  await refuseUsedOutputs(tx, runId, 'retried');\n",
    to: '',
  },
  {
    name: 'a Run of an inactive Plan that is retried is started',
    file: 'store/src/run-requests.ts',
    from: "  if (!isActive) await changeStatus(tx, { runIds: [runId], to: 'deactivated' });\n",
    to: '',
  },
  {
    name: 'a failed Run is tried once more than its budget allows',
    file: 'core/src/scheduling.ts',
    from: 'spent >= retry[cause]',
    to: 'spent > retry[cause]',
  },
  {
    name: 'a worker that is pending is not looked at again',
    file: 'engine/src/run-management/observe-workers.ts',
    from: '    if (runId !== undefined) this.#changed.add(runId);',
    to: '    if (runId !== undefined && !this.#pendingSince.has(runId)) this.#changed.add(runId);',
  },
  {
    name: 'a worker that could not be looked at is forgotten',
    file: 'engine/src/run-management/observe-workers.ts',
    from: '      else this.#postpone(row.runId);\n',
    to: '',
  },
  {
    name: 'the worker of a Run that ended is left',
    file: 'engine/src/finishing.ts',
    from: '  if (worker !== null) await workers.remove(worker);\n',
    to: '',
  },
  {
    name: 'a volume that could not be made is taken for made',
    file: 'engine/src/initialize.ts',
    from: 'provideVolume(volumes, output, taken)))',
    to: 'provideVolume(volumes, output, taken).catch(() => {})))',
  },
  {
    name: 'an upload that was aborted becomes a Data',
    file: 'store/src/uploads.ts',
    from: '  if (completing.length === 0) throw uploadAborted();\n',
    to: '',
  },
  {
    name: 'the volume of a broken upload is left',
    file: 'store/src/uploads.ts',
    from: '  await dropOutputs(tx, [runId]);\n  await removeRun(tx, runId);\n  if (volumeRef !== undefined) {',
    to: '  await sql`delete from data where run_id = ${runId}`.execute(tx);\n  await removeRun(tx, runId);\n  if (volumeRef === null) {',
  },
];

/** @throws Error when what the mistake changes does not stand there once */
export function mistaken(source: string, { file, from, to }: Mistake): string {
  const places = source.split(from).length - 1;
  if (places !== 1) throw new Error(`packages/${file} has ${places} times: ${from}`);
  return source.replace(from, () => to);
}
