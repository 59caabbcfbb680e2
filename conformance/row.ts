import type { World } from './world.ts';

/** One thing that a row of the API says, tried on a server: throws `Deviation` or `NotTried`. */
export type Check = (world: World) => Promise<void>;

/** A row of the API's table, or a section of its page, with what it says. */
export interface Row {
  readonly name: string;
  readonly checks: Readonly<Record<string, Check>>;
}
