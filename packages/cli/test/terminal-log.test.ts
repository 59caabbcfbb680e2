import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { terminalLog } from '../src/output/terminal-log.ts';

async function shown(...chunks: (string | Buffer)[]): Promise<string> {
  let text = '';
  const bytes = (async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk as string);
  })();
  for await (const part of terminalLog(bytes)) text += part;
  return text;
}

const [forced, none] = [process.env.FORCE_COLOR, process.env.NO_COLOR];
beforeEach(() => {
  process.env.FORCE_COLOR = '1';
  delete process.env.NO_COLOR;
});
afterEach(() => {
  delete process.env.FORCE_COLOR;
  if (forced !== undefined) process.env.FORCE_COLOR = forced;
  if (none !== undefined) process.env.NO_COLOR = none;
});

describe('a log on a terminal', () => {
  it('keeps colours, and ends without one', async () => {
    expect(await shown('\x1b[1;31mred\x1b[0m\n')).toBe('\x1b[1;31mred\x1b[0m\n\x1b[0m');
    expect(await shown('plain\n')).toBe('plain\n');
  });

  it('keeps tabs and what progress bars live of', async () => {
    expect(await shown('\r 10%\r 20%\r\n\tdone\n')).toBe('\r 10%\r 20%\r\n\tdone\n');
  });

  it.each([
    ['clearing the screen', '\x1b[2J', '\\x1b[2J'],
    ['the title of the window', '\x1b]0;title\x07', '\\x1b]0;title\\x07'],
    ['the clipboard', '\x1b]52;c;Zm9v\x1b\\', '\\x1b]52;c;Zm9v\\x1b\\'],
    ['a sequence in one character', '\u009b2J', '\\x9b2J'],
    ['text the other way round', 'a\u202eb', 'a\\u{202e}b'],
    ['a colour with more in it', '\x1b[31;?25lm', '\\x1b[31;?25lm'],
  ])('shows %s, and does not obey it', async (_, log, expected) => {
    expect(await shown(log)).toBe(expected);
    // However it is cut.
    expect(await shown(...Array.from(Buffer.from(log), (byte) => Buffer.from([byte])))).toBe(expected);
  });

  it('keeps a colour and a character that arrive in pieces', async () => {
    const log = Buffer.from('\x1b[32m緑\x1b[m');
    expect(await shown(...Array.from(log, (byte) => Buffer.from([byte])))).toBe('\x1b[32m緑\x1b[m\x1b[0m');
  });

  it('has no colours where NO_COLOR is set', async () => {
    process.env.NO_COLOR = '1';
    expect(await shown('\x1b[31mred\x1b[0m\x1b[2J')).toBe('red\\x1b[2J');
  });
});
