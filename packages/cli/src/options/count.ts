import { InvalidArgumentError } from 'commander';

/** A reader of whole numbers from `least` on; core or the server know the upper bounds. */
export const count =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (/^-?\d{1,15}$/.test(text) && value >= least) return value;
    throw new InvalidArgumentError(`give a whole number from ${least} on`);
  };

/** The same, or `none` for any number, as `Infinity`. */
export const countOrNone =
  (least: number) =>
  (text: string): number =>
    text === 'none' ? Number.POSITIVE_INFINITY : count(least)(text);

/** A limit as the wire has it: null for any number. */
export const limitOnWire = (limit: number): number | null =>
  limit === Number.POSITIVE_INFINITY ? null : limit;
