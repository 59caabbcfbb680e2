import type { Client, DataDetail, Lineage, LineageEdge, RunDetail } from '@knitfab/api';
import { NotFound } from '@knitfab/core';
import type { Way } from '../graph.ts';
import { type Extent, limitOf, requestsAtOnce, waysOf } from './extent.ts';
import { sideBySide } from './side-by-side.ts';

/** Gathers a lineage level by level, by asking for single Data and Runs, as a 1.6 server wants it. */
export async function walkLineage(client: Client, knitId: string, extent: Extent): Promise<Lineage> {
  const walk = new Walk(client);
  await walk.data(knitId);
  const truncated = { up: false, down: false };
  for (const way of waysOf(extent)) truncated[way] = await walk.walk(knitId, way, limitOf(extent));
  return { root: knitId, ...walk.content(), truncated };
}

class Walk {
  readonly #client: Client;
  readonly #data = new Map<string, DataDetail>();
  readonly #runs = new Map<string, RunDetail>();
  readonly #edges = new Map<string, LineageEdge>();

  constructor(client: Client) {
    this.#client = client;
  }

  async data(knitId: string): Promise<DataDetail> {
    const known = this.#data.get(knitId);
    if (known) return known;
    const data = await this.#client.getData(knitId);
    if (data === undefined) throw new NotFound(`there is no Data ${knitId} on ${this.#client.apiRoot}`);
    this.#data.set(knitId, data);
    return data;
  }

  /** @returns whether the graph goes on beyond the limit */
  async walk(root: string, way: Way, limit: number): Promise<boolean> {
    const visited = new Set([root]);
    let level = [root];
    for (let depth = 0; depth < limit && level.length > 0; depth++) {
      await this.#runsOf(level, way);
      const reached = level.flatMap((knitId) =>
        this.#runIdsNext(knitId, way).flatMap((runId) => this.#connect(runId, knitId, way)),
      );
      level = [...new Set(reached)].filter((knitId) => !visited.has(knitId));
      for (const knitId of level) visited.add(knitId);
      await sideBySide(level, requestsAtOnce, (knitId) => this.data(knitId));
    }
    return await this.#goesOn(level, way);
  }

  content(): Pick<Lineage, 'data' | 'runs' | 'edges'> {
    const shown = new Set([...this.#edges.values()].map(({ runId }) => runId));
    return {
      data: [...this.#data.values()].map(({ knitId, tags }) => ({ knitId, tags })),
      runs: [...this.#runs.values()]
        .filter(({ runId }) => shown.has(runId))
        .map(({ runId, status, updatedAt, exit, plan }) => ({
          ...{ runId, status, updatedAt, plan },
          ...(exit && { exit }),
        })),
      edges: [...this.#edges.values()],
    };
  }

  #runIdsNext(knitId: string, way: Way): string[] {
    const data = this.#data.get(knitId);
    const runs = way === 'up' ? [data?.upstream.run] : (data?.downstreams ?? []).map(({ run }) => run);
    return [...new Set(runs.flatMap((run) => (run === undefined ? [] : [run.runId])))];
  }

  /** Asks for the Runs beyond these Data. */
  async #runsOf(level: readonly string[], way: Way): Promise<RunDetail[]> {
    const runIds = [...new Set(level.flatMap((knitId) => this.#runIdsNext(knitId, way)))];
    return await sideBySide(runIds, requestsAtOnce, async (runId) => {
      const run = this.#runs.get(runId) ?? (await this.#client.getRun(runId));
      this.#runs.set(runId, run);
      return run;
    });
  }

  /**
   * Adds the edges of a Run: on one side all of them, on the side it was come from that one Data.
   * @returns the Data on the other side
   */
  #connect(runId: string, from: string, way: Way): string[] {
    const run = this.#runs.get(runId);
    if (run === undefined) return [];
    const inputs = edgesOf(run, 'input');
    const results = [...edgesOf(run, 'output'), ...edgesOf(run, 'log')];
    const [near, far] = way === 'up' ? [results, inputs] : [inputs, results];
    for (const edge of [...near.filter(({ knitId }) => knitId === from), ...far]) {
      this.#edges.set(JSON.stringify(edge), edge);
    }
    return far.map(({ knitId }) => knitId);
  }

  async #goesOn(level: readonly string[], way: Way): Promise<boolean> {
    if (way === 'down') return level.some((knitId) => this.#runIdsNext(knitId, way).length > 0);
    return (await this.#runsOf(level, way)).some(({ inputs }) => inputs.length > 0);
  }
}

function edgesOf(run: RunDetail, role: LineageEdge['role']): LineageEdge[] {
  const { runId } = run;
  if (role === 'log') return run.log ? [{ runId, knitId: run.log.knitId, role }] : [];
  return run[`${role}s`].map(({ knitId, path }) => ({ runId, knitId, role, path }));
}
