import { formatTime } from '@knitfab/core';
import type { Execution, WorkerState } from '@knitfab/engine';
import { memoryUse } from './limits/limit-groups.ts';
import { isAlive, secondsSinceBoot } from './process-identity.ts';
import type { Life, WorkerRecord } from './worker-record.ts';

/** The exit code of a command that could not be started for want of what it runs in; containers have the same. */
const notStarted = 128;
/** The exit code of a command that was killed together with all that could have told its own: 128 + SIGKILL. */
const killed = 137;

/**
 * What a worker's files and processes say of it.
 * @param boot of the machine, as it runs now
 */
export function workerState(record: WorkerRecord, boot: string): WorkerState {
  const before = record.life;
  if (before === undefined) return { phase: 'missing' };
  const { claim } = before;
  if (claim === undefined) return { phase: 'pending' };
  if (claim.by === 'driver') return { phase: 'missing' };
  const isThisBoot = claim.boot === boot;
  const isSupervised = isThisBoot && isAlive(claim.process);
  // Read again: a supervisor tells of the end before it ends itself.
  const life = record.life ?? before;
  if (life.ended !== undefined) return ended(record, life);
  if (!isSupervised && !(isThisBoot && life.init !== undefined && isAlive(life.init)))
    return { phase: 'missing' };
  const startedAt =
    life.running === undefined
      ? undefined
      : new Date(Date.now() - 1000 * (secondsSinceBoot() - life.running));
  return { phase: startedAt === undefined ? 'pending' : 'running', execution: execution(record, startedAt) };
}

function ended(record: WorkerRecord, life: Life): WorkerState {
  const { code, isStartError, running, ended = 0, complaints, writtenAt } = life;
  const groups = record.note?.groups;
  const memory = groups && memoryUse(groups);
  const startedAt =
    running === undefined ? undefined : new Date(writtenAt.getTime() - 1000 * (ended - running));
  const done: Execution = {
    ...execution(record, startedAt),
    endedAt: formatTime(writtenAt),
    ...(memory?.peakBytes !== undefined && { peakMemoryBytes: memory.peakBytes }),
  };
  if (running === undefined) {
    const notes = [...(done.notes ?? []), `the worker could not be started: ${complaints.trim()}`];
    // The user's code has not run: something that is mounted on this machine may have gone in that moment.
    return {
      phase: 'ended',
      code: notStarted,
      reason: 'StartError',
      cause: 'lost',
      execution: { ...done, notes },
    };
  }
  if (code !== undefined && isStartError)
    return { phase: 'ended', code, reason: 'StartError', execution: done };
  return { phase: 'ended', ...exitOf(code ?? killed, memory?.kills ?? 0), execution: done };
}

function exitOf(code: number, memoryKills: number): { code: number; reason: string } {
  if (code === 0) return { code, reason: 'Completed' };
  return { code, reason: memoryKills > 0 ? 'OOMKilled' : 'Error' };
}

const execution = (record: WorkerRecord, startedAt: Date | undefined): Execution => ({
  driver: 'local',
  ...record.note?.execution,
  ...(startedAt !== undefined && { startedAt: formatTime(startedAt) }),
});
