import { readdirSync, statSync } from 'node:fs';
import type { WorkerRecord } from './worker-record.ts';

/**
 * Whether a worker's process has written anything, and so has run, whatever the engine says: Podman that is killed between a
 * container's start and its note of that holds the container for a new one ever after.
 */
export function hasLeftTraces(record: WorkerRecord, directoryOf: (volume: string) => string): boolean {
  const logSize = statSync(record.podmanLog, { throwIfNoEntry: false })?.size ?? 0;
  const outputs = record.note?.spec.outputs ?? [];
  return logSize > 0 || outputs.some(({ volume }) => !isEmpty(directoryOf(volume)));
}

function isEmpty(directory: string): boolean {
  try {
    return readdirSync(directory).length === 0;
  } catch {
    // The container has made it its own.
    return false;
  }
}
