import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { textWidth } from '../src/output/text-width.ts';
import { Progress } from '../src/transfer/progress.ts';

/** A terminal that keeps what it is told to show. */
class Terminal extends Writable {
  readonly isTTY: boolean;
  readonly columns = 60;
  text = '';

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

const progressOn = (terminal: Terminal, total?: number) =>
  new Progress('./mails', total, terminal as unknown as NodeJS.WriteStream);

it('is one line at the end where there is no terminal', () => {
  const terminal = new Terminal(false);
  const progress = progressOn(terminal, 2048);
  progress.file('dir/');
  progress.file('dir/a');
  progress.bytes(2048);
  progress.done('pushed ./mails');
  expect(terminal.text).toMatch(/^pushed \.\/mails \(1 file, 2\.0 KiB in \d\.\d s.*\)\n$/);
});

it('shows file, bytes, rate and time left on a terminal, within its width', async () => {
  const terminal = new Terminal(true);
  const progress = progressOn(terminal, 4096);
  progress.file(`dir/${'長い名前'.repeat(20)}`);
  progress.bytes(2048);
  await expect.poll(() => terminal.text).toMatch(/2\.0 KiB of 4\.0 KiB {2}.*\/s {2}\d+\.\d s left/);
  progress.done('pushed ./mails');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what clears a line
  const lines = terminal.text.split(/\r\x1b\[K/).filter((line) => !line.endsWith('\n'));
  for (const line of lines) expect(textWidth(line)).toBeLessThan(60);
});

it('leaves nothing on the terminal when the transfer fails', async () => {
  const terminal = new Terminal(true);
  const progress = progressOn(terminal);
  progress.bytes(1);
  await expect.poll(() => terminal.text).not.toBe('');
  progress.failed();
  expect(terminal.text.endsWith('\r\x1b[K')).toBe(true);
});
