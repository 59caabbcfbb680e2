import { closeSync, constants, openSync, readSync } from 'node:fs';

/** No record of the kernel's log is longer (printk, PRINTK_MESSAGE_MAX), its continuation lines included. */
const recordBytes = 8192;

/**
 * Whether the kernel has killed a process of a container because the container's memory was used up. The engines tell that by
 * themselves, except Podman where control groups are of version 1. Users who may not read the kernel's log learn nothing.
 * @param containerId is part of the name of the container's control group
 */
export function wasKilledForMemory(containerId: string, file = '/dev/kmsg'): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    return false;
  }
  try {
    return records(descriptor).some((record) => record.includes('oom-kill:') && record.includes(containerId));
  } finally {
    closeSync(descriptor);
  }
}

/** Each read gives one record; at the end there is nothing to wait for. */
function* records(descriptor: number): Generator<string, void> {
  const buffer = Buffer.alloc(recordBytes);
  for (;;) {
    try {
      const length = readSync(descriptor, buffer);
      if (length === 0) return;
      yield buffer.toString('latin1', 0, length);
    } catch (error) {
      // EPIPE: the record was overwritten meanwhile, and reading goes on behind it.
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') return;
    }
  }
}
