import { Readable } from 'node:stream';
import { type ArchiveType, checksumTrailer, gzippedTar, plainTar } from '../endpoints/archive-types.ts';
import type { LineageDirection } from '../endpoints/lineage.ts';
import { type OperationId, routes } from '../endpoints/routes.ts';
import type { DataDetail, TagChange } from '../shapes/data.ts';
import type { Lineage } from '../shapes/lineage.ts';
import type { AnnotationChange, PlanDetail, PlanSpec, ResourceChange } from '../shapes/plan.ts';
import type { RunDetail } from '../shapes/run.ts';
import type { VersionInfo } from '../shapes/version.ts';
import { Connection, type ConnectionOptions, type Request } from './connection.ts';
import { ServerError } from './server-error.ts';

/** Values of a query: lists are repeated, what is undefined is left out. */
type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

interface Call {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Query;
  readonly accept?: string;
  readonly body?: Request['body'];
}

/** Times as RFC 3339 and durations as Go writes them, as they go over the wire. */
export interface IntervalQuery {
  readonly since?: string;
  readonly duration?: string;
}

/** An archive that is being downloaded. */
export interface Download {
  readonly stream: AsyncIterable<Buffer>;
  readonly contentType: string;
  /** Whether a checksum may follow. 1.6 servers do not announce it; plain archives are ours, where it is announced. */
  readonly mayHaveChecksum: boolean;
  /** The MD5 that the server computed, in hexadecimal, once the stream has ended; servers may leave it out. */
  checksum(): string | undefined;
}

/** A client of one server's Web API. */
export type Client = ReturnType<typeof createClient>;

/**
 * Makes a client of the Web API, with a method for each operation.
 *
 * ```ts
 * const client = createClient({ apiRoot: 'http://127.0.0.1:8080/api' });
 * const raw = await client.findData({ tag: ['type:raw'] });
 * ```
 *
 * Every method throws `ServerError` with the server's reason and advice when it refuses, and core's `Unavailable` when
 * it can't be reached.
 */
export function createClient(options: ConnectionOptions) {
  const connection = new Connection(options);
  const request = (operation: OperationId, call: Call = {}): Request => ({
    method: routes[operation].method,
    path: pathOf(operation, call),
    ...(call.accept !== undefined && { accept: call.accept }),
    ...(call.body !== undefined && { body: call.body }),
  });
  const json = <Shape>(operation: OperationId, call?: Call): Promise<Shape> =>
    connection.json<Shape>(request(operation, call));

  return {
    apiRoot: connection.apiRoot,

    findData: (query: IntervalQuery & { tag?: readonly string[] } = {}) =>
      json<DataDetail[]>('findData', { query: { ...query } }),
    /** Uploads a tar archive, gzipped or plain, as a new Data. A stream that fails leaves no Data behind. */
    uploadData: (
      stream: AsyncIterable<Uint8Array>,
      { contentType = gzippedTar, checksum = true }: { contentType?: ArchiveType; checksum?: boolean } = {},
    ) => json<DataDetail>('uploadData', { body: { stream, contentType, checksum } }),
    /** Starts to download a Data's tree, in the first of the archive types that the server knows. */
    async downloadData(
      knitId: string,
      { accept = [gzippedTar] }: { accept?: readonly ArchiveType[] } = {},
    ): Promise<Download> {
      const call = { params: { knitId }, accept: preference(accept) };
      const answer = await connection.send(request('downloadData', call));
      const contentType = answer.headers['content-type'] ?? gzippedTar;
      return {
        stream: connection.bytes(answer),
        contentType,
        mayHaveChecksum: !contentType.startsWith(plainTar) || answer.headers.trailer !== undefined,
        checksum: () => answer.trailers[checksumTrailer],
      };
    },
    tagData: (knitId: string, change: TagChange) =>
      json<DataDetail>('tagData', { params: { knitId }, body: { json: change } }),
    /** A Data in full. The API names no resource for it, but its own tag finds it. */
    async getData(knitId: string): Promise<DataDetail | undefined> {
      const [data] = await json<DataDetail[]>('findData', { query: { tag: `knit#id:${knitId}` } });
      return data;
    },

    findPlans: (
      query: {
        active?: 'true' | 'false';
        image?: string;
        in_tag?: readonly string[];
        out_tag?: readonly string[];
      } = {},
    ) => json<PlanDetail[]>('findPlans', { query }),
    registerPlan: (plan: PlanSpec) => json<PlanDetail>('registerPlan', { body: { json: plan } }),
    getPlan: (planId: string) => json<PlanDetail>('getPlan', { params: { planId } }),
    activatePlan: (planId: string) => json<PlanDetail>('activatePlan', { params: { planId } }),
    deactivatePlan: (planId: string) => json<PlanDetail>('deactivatePlan', { params: { planId } }),
    changePlanResources: (planId: string, change: ResourceChange) =>
      json<PlanDetail>('changePlanResources', { params: { planId }, body: { json: change } }),
    annotatePlan: (planId: string, change: AnnotationChange) =>
      json<PlanDetail>('annotatePlan', { params: { planId }, body: { json: change } }),
    setPlanServiceAccount: (planId: string, name: string) =>
      json<PlanDetail>('setPlanServiceAccount', {
        params: { planId },
        body: { json: { service_account: name } },
      }),
    unsetPlanServiceAccount: (planId: string) =>
      json<PlanDetail>('unsetPlanServiceAccount', { params: { planId } }),

    /** Lists are any of; `status` is one of the visible statuses. */
    findRuns: ({
      plan = [],
      knitIdInput = [],
      knitIdOutput = [],
      status = [],
      ...interval
    }: IntervalQuery & {
      plan?: readonly string[];
      knitIdInput?: readonly string[];
      knitIdOutput?: readonly string[];
      status?: readonly string[];
    } = {}) =>
      json<RunDetail[]>('findRuns', {
        query: {
          plan: anyOf(plan),
          knitIdInput: anyOf(knitIdInput),
          knitIdOutput: anyOf(knitIdOutput),
          status: anyOf(status),
          ...interval,
        },
      }),
    getRun: (runId: string) => json<RunDetail>('getRun', { params: { runId } }),
    /** Starts to read a Run's log; with `follow` it ends when the Run does. */
    async getRunLog(runId: string, { follow = false }: { follow?: boolean } = {}): Promise<Readable> {
      const query = { follow: follow ? '' : undefined };
      const answer = await connection.send(request('getRunLog', { params: { runId }, query }));
      return Readable.from(connection.bytes(answer));
    },
    abortRun: (runId: string) => json<RunDetail>('abortRun', { params: { runId } }),
    stopRun: (runId: string) => json<RunDetail>('stopRun', { params: { runId } }),
    /** Retries a Run. A 1.6 server answers without a body, so the Run is asked for again. */
    async retryRun(runId: string): Promise<RunDetail> {
      const answer = await connection.send(request('retryRun', { params: { runId } }));
      answer.resume();
      return json<RunDetail>('getRun', { params: { runId } });
    },
    async deleteRun(runId: string): Promise<void> {
      const answer = await connection.send(request('deleteRun', { params: { runId } }));
      answer.resume();
    },

    getLineage: (
      root: { knitId: string } | { runId: string },
      { direction, depth }: { direction?: LineageDirection; depth?: number | 'all' } = {},
    ) =>
      json<Lineage>('getLineage', {
        query: { ...root, direction, depth: depth === undefined ? undefined : String(depth) },
      }),
    /** What answers; undefined for a 1.6 server, which does not say. */
    async getVersion(): Promise<VersionInfo | undefined> {
      try {
        return await json<VersionInfo>('getVersion');
      } catch (error) {
        if (error instanceof ServerError && (error.status === 404 || error.status === 405)) return undefined;
        throw error;
      }
    },

    /** Closes the connections that are kept open. */
    close: () => connection.close(),
  };
}

/** The path below the API's root, with parameters and query filled in. */
function pathOf(operation: OperationId, { params = {}, query = {} }: Call): string {
  const path = routes[operation].path
    .replace(/^\/api/, '')
    .replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const item of typeof value === 'string' ? [value] : (value ?? [])) search.append(name, item);
  }
  return search.size === 0 ? path : `${path}?${search}`;
}

const anyOf = (items: readonly string[]): string | undefined =>
  items.length === 0 ? undefined : items.join(',');

/** An `Accept` header that prefers the first of the types. */
const preference = (types: readonly string[]): string =>
  types.map((type, index) => (index === 0 ? type : `${type};q=${(1 - index / 10).toFixed(1)}`)).join(', ');
