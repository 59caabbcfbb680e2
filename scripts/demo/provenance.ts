import type { DataDetail, RunDetail } from '@knitfab/api';

/**
 * Says in words what a Data is, from the lineage alone: pushed Data by their tags, all others by the Run that made them
 * and what that Run had read.
 */
export class Provenance {
  readonly #tags: ReadonlyMap<string, readonly string[]>;
  readonly #makers: ReadonlyMap<string, RunDetail>;

  /** @param data at least those that were pushed  @param runs all of Plans */
  constructor(data: readonly DataDetail[], runs: readonly RunDetail[]) {
    this.#tags = new Map(data.map(({ knitId, tags }) => [knitId, tags]));
    this.#makers = new Map(
      runs.flatMap((run) => run.outputs.map(({ knitId }): [string, RunDetail] => [knitId, run])),
    );
  }

  /** The pushed Data that a Data comes from, such as `batch 1 + body-only`. */
  origin(knitId: string): string {
    return [...this.#origins(knitId)].join(' + ');
  }

  /** What a Data is and where it comes from, such as `model (batch 1 + body-only)`. */
  describe(knitId: string): string {
    const output = this.#makers.get(knitId)?.outputs.find((output) => output.knitId === knitId);
    if (output === undefined) return this.origin(knitId);
    return `${kind(output.tags)} (${this.origin(knitId)})`;
  }

  /** What a Run has read, but for the code: that is the same for all, and tells none from the others. */
  inputs(run: RunDetail): string[] {
    return run.inputs.filter(({ path }) => path !== '/in/code').map(({ knitId }) => knitId);
  }

  #origins(knitId: string): Set<string> {
    const maker = this.#makers.get(knitId);
    if (maker === undefined) return new Set([pushedName(this.#tags.get(knitId) ?? [])]);
    return new Set(this.inputs(maker).flatMap((input) => [...this.#origins(input)]));
  }
}

/** `type:features` and `part:test` make "test features". */
function kind(tags: readonly string[]): string {
  return [tagValue(tags, 'part'), tagValue(tags, 'type')].filter((word) => word !== undefined).join(' ');
}

function pushedName(tags: readonly string[]): string {
  const batch = tagValue(tags, 'batch');
  return batch === undefined ? (tagValue(tags, 'name') ?? 'a Data without a name') : `batch ${batch}`;
}

const tagValue = (tags: readonly string[], key: string): string | undefined =>
  tags.find((tag) => tag.startsWith(`${key}:`))?.slice(key.length + 1);
