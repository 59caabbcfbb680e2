import { formatTime } from '@knitfab/core';
import type { Execution, WorkerState } from '@knitfab/engine';
import { memoryUse } from './limits/limit-groups.ts';
import { isAlive } from './process-identity.ts';
import type { WorkerRecord } from './worker-record.ts';

/** The exit code of a command that could not be started for want of what it runs in; containers have the same. */
const notStarted = 128;
/** The exit code of a command that was killed together with all that could have told its own: 128 + SIGKILL. */
const killed = 137;

/**
 * What a worker's files and processes say of it.
 * @param boot of the machine, as it runs now
 */
export function workerState(record: WorkerRecord, boot: string): WorkerState {
  const { claim } = record;
  if (claim === undefined) return { phase: record.claimedAt === undefined ? 'missing' : 'pending' };
  if (claim.by === 'driver') return { phase: 'missing' };
  const isThisBoot = claim.boot === boot;
  // In this order: a supervisor tells of the end before it ends itself.
  const isSupervised = isThisBoot && isAlive(claim.process);
  const { endedAt } = record;
  if (endedAt !== undefined) return ended(record, endedAt, isThisBoot);
  const { init } = record;
  const isThere = isSupervised || (isThisBoot && init !== undefined && isAlive(init.process));
  if (!isThere) return { phase: 'missing' };
  const execution = executionOf(record, init?.runningSince);
  return { phase: init?.runningSince === undefined ? 'pending' : 'running', execution };
}

function ended(record: WorkerRecord, endedAt: Date, isThisBoot: boolean): WorkerState {
  const { init, code, note } = record;
  // Of files that were written just before a power cut, some may be empty.
  if (code === undefined && !isThisBoot) return { phase: 'missing' };
  const memory = note?.groups && memoryUse(note.groups);
  const execution: Execution = {
    ...executionOf(record, init?.runningSince),
    endedAt: formatTime(endedAt),
    ...(memory?.peakBytes !== undefined && { peakMemoryBytes: memory.peakBytes }),
  };
  if (code?.isStartError) return { phase: 'ended', code: code.code, reason: 'StartError', execution };
  if (code === undefined && init?.runningSince === undefined) {
    const notes = [...(execution.notes ?? []), `the worker could not be started: ${record.errors}`];
    return { phase: 'ended', code: notStarted, reason: 'StartError', execution: { ...execution, notes } };
  }
  return { phase: 'ended', ...exitOf(code?.code ?? killed, memory?.kills ?? 0), execution };
}

function exitOf(code: number, memoryKills: number): { code: number; reason: string } {
  if (code === 0) return { code, reason: 'Completed' };
  return { code, reason: memoryKills > 0 ? 'OOMKilled' : 'Error' };
}

function executionOf(record: WorkerRecord, runningSince: Date | undefined): Execution {
  return {
    driver: 'local',
    ...record.note?.execution,
    ...(runningSince !== undefined && { startedAt: formatTime(runningSince) }),
  };
}
