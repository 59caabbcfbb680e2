import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** Colours a text on a terminal, and never where NO_COLOR is set. */
export const styled = (format: Format, text: string, stream: NodeJS.WriteStream = process.stdout): string =>
  process.env.NO_COLOR ? text : styleText(format, text, { stream });

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
