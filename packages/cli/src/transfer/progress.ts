import { harmless } from '../output/harmless.ts';
import { shortened, textWidth } from '../output/text-width.ts';
import { byteSize, seconds } from './sizes.ts';

/** How often the line is written anew, in milliseconds. */
const interval = 100;
const clearLine = '\r\x1b[K';

/**
 * Shows how a transfer gets on: on a terminal as one line that changes, with file, bytes, rate and time left; in any case
 * as one line at the end.
 */
export class Progress {
  readonly #label: string;
  readonly #total: number | undefined;
  readonly #stream: NodeJS.WriteStream;
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout | undefined;
  #bytes = 0;
  #files = 0;
  #file = '';

  /** @param total bytes to come, where known */
  constructor(label: string, total?: number, stream: NodeJS.WriteStream = process.stderr) {
    this.#label = harmless(label);
    this.#total = total;
    this.#stream = stream;
    if (stream.isTTY) this.#timer = setInterval(() => stream.write(clearLine + this.#line()), interval);
  }

  file(path: string): void {
    this.#file = path;
    if (!path.endsWith('/')) this.#files += 1;
  }

  bytes(count: number): void {
    this.#bytes += count;
  }

  /** Ends the line with what was done: `result` says what came of it. */
  done(result: string): void {
    this.#clear();
    const elapsed = this.#elapsed();
    // Of a moment nothing can be told.
    const rate = elapsed < 0.5 ? '' : `, ${byteSize(this.#bytes / elapsed)}/s`;
    const files = this.#files === 0 ? '' : `${this.#files} ${this.#files === 1 ? 'file' : 'files'}, `;
    this.#stream.write(
      `${harmless(result)} (${files}${byteSize(this.#bytes)} in ${seconds(elapsed)}${rate})\n`,
    );
  }

  /** Takes the line away: the transfer failed, and somebody else says why. */
  failed(): void {
    this.#clear();
  }

  #elapsed(): number {
    return (performance.now() - this.#startedAt) / 1000;
  }

  #clear(): void {
    clearInterval(this.#timer);
    if (this.#timer) this.#stream.write(clearLine);
  }

  #line(): string {
    const elapsed = this.#elapsed();
    const rate = this.#bytes / Math.max(elapsed, 0.001);
    const figures = [
      this.#total === undefined
        ? byteSize(this.#bytes)
        : `${byteSize(this.#bytes)} of ${byteSize(this.#total)}`,
      `${byteSize(rate)}/s`,
      ...(this.#total === undefined || this.#bytes === 0
        ? []
        : [`${seconds(Math.max(0, this.#total - this.#bytes) / rate)} left`]),
    ].join('  ');
    const width = this.#stream.columns ?? 80;
    const room = width - textWidth(this.#label) - figures.length - 5;
    const line = `${this.#label}  ${figures}${room > 8 ? `  ${shortened(harmless(this.#file), room)}` : ''}`;
    // A line that is wrapped could not be written anew.
    return shortened(line, width - 1);
  }
}
