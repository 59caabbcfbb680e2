import { hostname } from 'node:os';
import { formatTime } from '@knitfab/core';
import type { Execution, WorkerState } from '@knitfab/engine';
import type { ContainerInspection } from './engine-shapes.ts';
import { wasKilledForMemory } from './kernel-log.ts';
import type { WorkerNote } from './worker-record.ts';

/** 128 + SIGKILL */
const killed = 137;

/** This start of the machine. */
export interface Boot {
  readonly id: string;
  readonly at: Date;
}

/** What a worker's note and its container say of it. `pending` without a reason when nothing is known of a container yet. */
export function containerState(
  note: WorkerNote,
  container: ContainerInspection | undefined,
  boot: Boot,
): WorkerState {
  const wasCutOff = note.isStarted && note.boot !== boot.id;
  if (container === undefined) return note.isStarted ? { phase: 'missing' } : { phase: 'pending' };
  const { Status: status, StartedAt } = container.State;
  const startedAt = timeOf(StartedAt);
  const execution = executionOf(note, startedAt);
  switch (status) {
    case 'running':
    case 'paused':
    case 'stopping':
      return { phase: 'running', execution };
    case 'exited':
    case 'stopped':
    case 'dead':
    case 'removing':
      return wasCutOff && !endedBefore(container, boot) ? { phase: 'missing' } : ended(container, execution);
    default:
      // Podman forgets the start of a container that ran when the machine stopped.
      return wasCutOff ? { phase: 'missing' } : { phase: 'pending', execution };
  }
}

/** Whether a container ended by itself before the machine stopped; of one that did not, engines make up an exit code. */
function endedBefore({ State: { StartedAt, FinishedAt } }: ContainerInspection, boot: Boot): boolean {
  const [started, finished] = [timeOf(StartedAt), timeOf(FinishedAt)];
  return started !== undefined && finished !== undefined && finished < boot.at;
}

function ended({ Id, State: state }: ContainerInspection, execution: Execution): WorkerState {
  const { ExitCode: code, OOMKilled = false, FinishedAt } = state;
  const endedAt = timeOf(FinishedAt);
  const done = { ...execution, ...(endedAt !== undefined && { endedAt: formatTime(endedAt) }) };
  // An engine that has lost the exit code says so with one that no process has.
  if (code < 0 || code > 255) return { phase: 'missing' };
  if (code === 0) return { phase: 'ended', code, reason: 'Completed', execution: done };
  const isOutOfMemory = OOMKilled || (code === killed && wasKilledForMemory(Id));
  return { phase: 'ended', code, reason: isOutOfMemory ? 'OOMKilled' : 'Error', execution: done };
}

/** What is known of a worker that has started, and of one that has not. */
export function executionOf({ digests, notes }: WorkerNote, startedAt?: Date): Execution {
  return {
    driver: 'docker',
    node: hostname(),
    ...(digests && { digests }),
    ...(startedAt !== undefined && { startedAt: formatTime(startedAt) }),
    ...(notes.length > 0 && { notes }),
  };
}

/** Engines write times of the year 1 for what has never happened. */
function timeOf(text: string): Date | undefined {
  const time = new Date(text);
  return time.getTime() > 0 ? time : undefined;
}
