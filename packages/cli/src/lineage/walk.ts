import type { Client, DataDetail, Lineage, LineageEdge, RunDetail } from '@knitfab/api';
import { NotFound } from '@knitfab/core';
import type { LineageRequest } from './fetch.ts';

type Way = 'up' | 'down';

/** Gathers a lineage by asking for one Data and one Run after the other, as a 1.6 server wants it. */
export async function walkLineage(
  client: Client,
  { knitId, direction, depth }: LineageRequest,
): Promise<Lineage> {
  const graph = new Graph(client);
  const limit = depth === 'all' ? Number.POSITIVE_INFINITY : depth;
  const ways: Way[] = direction === 'both' ? ['up', 'down'] : [direction];
  await graph.data(knitId);
  const truncated = { up: false, down: false };
  for (const way of ways) truncated[way] = await graph.walk(knitId, way, limit);
  return { root: knitId, ...graph.content(), truncated };
}

class Graph {
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
    let frontier = [root];
    for (let depth = 0; depth < limit && frontier.length > 0; depth++) {
      const next = new Set<string>();
      for (const knitId of frontier) {
        for (const run of await this.#runsNext(knitId, way)) {
          for (const edge of this.#connect(run, knitId, way)) next.add(edge.knitId);
        }
      }
      frontier = [...next].filter((knitId) => !visited.has(knitId));
      for (const knitId of frontier) {
        visited.add(knitId);
        await this.data(knitId);
      }
    }
    return await this.#goesOn(frontier, way);
  }

  content(): Pick<Lineage, 'data' | 'runs' | 'edges'> {
    return {
      data: [...this.#data.values()].map(({ knitId, tags }) => ({ knitId, tags })),
      runs: [...this.#runs.values()].map(({ inputs, outputs, log, ...summary }) => summary),
      edges: [...this.#edges.values()],
    };
  }

  async #runsNext(knitId: string, way: Way): Promise<RunDetail[]> {
    const { upstream, downstreams } = await this.data(knitId);
    const runs = way === 'up' ? [upstream.run] : downstreams.map(({ run }) => run);
    return await Promise.all([...new Set(runs.map(({ runId }) => runId))].map((runId) => this.#run(runId)));
  }

  async #run(runId: string): Promise<RunDetail> {
    const run = this.#runs.get(runId) ?? (await this.#client.getRun(runId));
    this.#runs.set(runId, run);
    return run;
  }

  /** Adds the edges of a Run: on one side all of them, on the side it was come from that one Data. */
  #connect(run: RunDetail, from: string, way: Way): LineageEdge[] {
    const inputs = edgesOf(run, 'input');
    const results = [...edgesOf(run, 'output'), ...edgesOf(run, 'log')];
    const [near, far] = way === 'up' ? [results, inputs] : [inputs, results];
    for (const edge of [...near.filter(({ knitId }) => knitId === from), ...far]) {
      this.#edges.set(JSON.stringify(edge), edge);
    }
    return far;
  }

  async #goesOn(frontier: readonly string[], way: Way): Promise<boolean> {
    for (const knitId of frontier) {
      const { upstream, downstreams } = await this.data(knitId);
      if (way === 'down' && downstreams.length > 0) return true;
      if (way === 'up' && (await this.#client.getRun(upstream.run.runId)).inputs.length > 0) return true;
    }
    return false;
  }
}

function edgesOf(run: RunDetail, role: LineageEdge['role']): LineageEdge[] {
  const { runId } = run;
  if (role === 'log') return run.log ? [{ runId, knitId: run.log.knitId, role }] : [];
  return run[`${role}s`].map(({ knitId, path }) => ({ runId, knitId, role, path }));
}
