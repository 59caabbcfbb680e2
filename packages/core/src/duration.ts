import { Invalid } from './errors.ts';
import { shorten } from './text.ts';

const unitMilliseconds: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Longest duration that Go has, 2^63 - 1 nanoseconds (292 years), in milliseconds. */
const longest = (2 ** 63 - 1) / 1e6;

/**
 * Reads a positive duration as Go writes it (`300ms`, `1.5h`, `2h45m`) into milliseconds.
 * @throws {Invalid} when it is none, not positive, or longer than 292 years
 */
export function parseDuration(text: string): number {
  const body = text.trim().replace(/^\+/, '');
  const parts = [...body.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)];
  const covered = parts.reduce((length, part) => length + part[0].length, 0);
  const milliseconds = parts.reduce(
    (sum, [, number, unit]) => sum + Number(number) * (unitMilliseconds[unit ?? ''] ?? 0),
    0,
  );
  if (body === '' || covered !== body.length || !(milliseconds > 0) || milliseconds > longest) {
    throw new Invalid({
      reason: `"${shorten(text)}" is not a positive duration`,
      advice: 'Write numbers with the units ns, us, ms, s, m or h, such as 300ms, 1.5h or 2h45m.',
    });
  }
  return milliseconds;
}
