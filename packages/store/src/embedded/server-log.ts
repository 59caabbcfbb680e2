import { copyFile, type FileHandle, open, stat, truncate } from 'node:fs/promises';

/** Size beyond which the log is moved aside, in bytes. One older log is kept. */
const maxBytes = 5 * 1024 * 1024;
/** Milliseconds between two looks at the size. */
const interval = 60_000;
/** How much of the end is searched for what went wrong, in bytes. */
const tailBytes = 4096;

/** Opens the log for a server to append to. */
export async function openLog(file: string): Promise<FileHandle> {
  await boundLog(file);
  return open(file, 'a', 0o600);
}

/**
 * Keeps the log within bounds until stopped. The server goes on writing to the same file, at its new end.
 * @returns stops it
 */
export function keepLogBounded(file: string): () => void {
  // A log that can't be cut now is cut at the next look.
  const timer = setInterval(() => void boundLog(file).catch(() => undefined), interval).unref();
  return () => clearInterval(timer);
}

async function boundLog(file: string): Promise<void> {
  const size = await stat(file).then(
    (status) => status.size,
    () => 0,
  );
  if (size <= maxBytes) return;
  await copyFile(file, `${file}.1`);
  await truncate(file, 0);
}

/** The last lines that the server has written, at most a few; those that say why it ended when there are such. */
export async function lastWords(file: string, since = 0): Promise<string> {
  const log = await open(file, 'r').catch(() => undefined);
  if (log === undefined) return '';
  try {
    const { size } = await log.stat();
    const from = Math.max(since, size - tailBytes);
    const { buffer, bytesRead } = await log.read(Buffer.alloc(tailBytes), 0, tailBytes, from);
    const lines = buffer
      .toString('utf8', 0, bytesRead)
      .split('\n')
      .filter((line) => line.trim() !== '');
    const grave = lines.findLastIndex((line) => /\b(FATAL|PANIC):/.test(line));
    return lines.slice(grave < 0 ? -3 : grave).join('\n');
  } finally {
    await log.close();
  }
}
