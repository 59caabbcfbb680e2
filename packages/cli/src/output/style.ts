import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/**
 * Whether output to a stream is coloured: on terminals, never where NO_COLOR is set (no-color.org), and always where
 * FORCE_COLOR or CLICOLOR_FORCE is.
 */
export function isColoured(stream: { readonly isTTY?: boolean }): boolean {
  const { NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, TERM } = process.env;
  if (NO_COLOR || isOff(FORCE_COLOR)) return false;
  if (FORCE_COLOR || (CLICOLOR_FORCE && !isOff(CLICOLOR_FORCE))) return true;
  return stream.isTTY === true && TERM !== 'dumb';
}

const isOff = (value: string | undefined): boolean => value === '0' || value === 'false';

/** Colours a text where the stream is coloured. */
export const styled = (format: Format, text: string, stream: NodeJS.WriteStream = process.stdout): string =>
  isColoured(stream) ? styleText(format, text, { validateStream: false }) : text;

const statusFormats: Readonly<Record<string, Format>> = {
  done: 'green',
  failed: 'red',
  aborting: 'red',
  running: 'cyan',
  starting: 'cyan',
  completing: 'cyan',
  ready: 'yellow',
  waiting: 'yellow',
  deactivated: 'gray',
};

/** A Run's status in its colour. */
export const styledStatus = (text: string, status: string): string =>
  styled(statusFormats[status] ?? 'reset', text);

/** A time of the wire in local time, to the second. */
export function localTime(time: string): string {
  const date = new Date(time);
  const [two, year] = [(part: number) => String(part).padStart(2, '0'), date.getFullYear()];
  const day = `${year}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** A time of the wire in local time, short: the time of today, else the day. */
export function shortTime(time: string, now = new Date()): string {
  const [day = '', clock = ''] = localTime(time).split(' ');
  return localTime(now.toISOString()).startsWith(day) ? clock : day;
}
