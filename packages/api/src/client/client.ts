import { Readable } from 'node:stream';
import { Unavailable } from '@knitfab/core';
import {
  type ArchiveType,
  checksumTrailer,
  gzippedTar,
  mayHaveChecksum,
} from '../endpoints/archive-types.ts';
import type { GraphDirection } from '../endpoints/extent.ts';
import { type OperationId, routes } from '../endpoints/routes.ts';
import type { DataDetail, TagChange } from '../shapes/data.ts';
import type { Examination } from '../shapes/doctor.ts';
import type { PlanDryRun, StartedRuns } from '../shapes/dry-run.ts';
import type { Lineage } from '../shapes/lineage.ts';
import type {
  AnnotationChange,
  PlanDetail,
  PlanSpec,
  ResourceChange,
  SchedulingChange,
} from '../shapes/plan.ts';
import type { PlanGraph } from '../shapes/plan-graph.ts';
import type { RunDetail } from '../shapes/run.ts';
import type { LimitsChange, SystemState } from '../shapes/system.ts';
import type { TagInput } from '../shapes/tag.ts';
import type { VersionInfo } from '../shapes/version.ts';
import type { Why } from '../shapes/why.ts';
import { Connection, type ConnectionOptions, type Request } from './connection.ts';
import { type EventOptions, eventStream } from './event-stream.ts';
import type { ItemPage } from './item-page.ts';
import { knowsParameter } from './known-parameter.ts';
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

export interface DataQuery extends IntervalQuery {
  readonly tag?: readonly string[];
}

export interface PlanQuery {
  readonly active?: 'true' | 'false';
  readonly image?: string;
  readonly in_tag?: readonly string[];
  readonly out_tag?: readonly string[];
}

export interface RunQuery extends IntervalQuery {
  readonly plan?: readonly string[];
  readonly knitIdInput?: readonly string[];
  readonly knitIdOutput?: readonly string[];
  readonly status?: readonly string[];
}

/** A part of a graph: in Data or Plans, whatever it is of. */
export interface ExtentQuery {
  readonly direction?: GraphDirection;
  readonly depth?: number | 'all';
}

/** A part of a list. A server as old as 1.6 knows no parts, and answers with everything. */
export interface PageQuery {
  readonly limit?: string;
  readonly cursor?: string;
}

export interface UploadOptions {
  readonly contentType?: ArchiveType;
  /** Whether the MD5 of the archive follows it. */
  readonly checksum?: boolean;
  /** Told of each chunk that has gone out and will not be read again: its memory may be used for something else. */
  readonly onSent?: (chunk: Uint8Array) => void;
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
  /** Some servers write `null` for a list that is empty. */
  const list = async <Item>(operation: OperationId, query: Query): Promise<Item[]> =>
    (await json<Item[] | null>(operation, { query })) ?? [];
  const items = <Item>(operation: OperationId, query: Query): Promise<ItemPage<Item>> =>
    connection.items<Item>(request(operation, { query }));

  /** An answer that is an addition; undefined from a server as old as 1.6, which has no such thing. */
  async function addition<Shape>(operation: OperationId): Promise<Shape | undefined> {
    try {
      return await json<Shape>(operation);
    } catch (error) {
      if (error instanceof ServerError && (error.status === 404 || error.status === 405)) return undefined;
      throw error;
    }
  }
  /** A server that does not know dry runs passes over the parameter, and would do what is only asked about. */
  async function dryRun<Shape>(operation: OperationId, call: Call): Promise<Shape> {
    if (!knowsParameter((await addition('getOpenApi')) ?? {}, operation, 'dry_run')) {
      throw new Unavailable({
        reason: `the server at ${connection.apiRoot} does not know dry runs: it would do what it is only asked about`,
        advice: 'Nothing was sent. Do it without the dry run, or ask a newer server.',
      });
    }
    return json<Shape>(operation, { ...call, query: { dry_run: 'true' } });
  }

  return {
    apiRoot: connection.apiRoot,

    findData: (query: DataQuery = {}) => list<DataDetail>('findData', { ...query }),
    /** The Data that `findData` finds, one by one; with `limit`, page by page. */
    eachData: (query: DataQuery & PageQuery = {}) => items<DataDetail>('findData', { ...query }),
    /** Uploads a tar archive, of any archive type, as a new Data. A stream that fails leaves no Data behind. */
    uploadData: (
      stream: AsyncIterable<Uint8Array>,
      { contentType = gzippedTar, checksum = true, onSent }: UploadOptions = {},
    ) =>
      json<DataDetail>('uploadData', { body: { stream, contentType, checksum, ...(onSent && { onSent }) } }),
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
        mayHaveChecksum: mayHaveChecksum(contentType, answer.headers),
        checksum: () => answer.trailers[checksumTrailer],
      };
    },
    tagData: (knitId: string, change: TagChange) =>
      json<DataDetail>('tagData', { params: { knitId }, body: { json: change } }),
    /** The Runs that would start if these tags were changed. */
    dryRunTags: (knitId: string, change: TagChange) =>
      dryRun<StartedRuns>('tagData', {
        params: { knitId },
        body: { json: change },
      }),
    /** The Runs that would start if a Data with these tags were pushed. */
    dryRunUpload: (tags: readonly TagInput[]) =>
      dryRun<StartedRuns>('uploadData', { body: { json: { tags } } }),
    /** A Data in full. The API names no resource for it, but its own tag finds it. */
    async getData(knitId: string): Promise<DataDetail | undefined> {
      const [data] = await list<DataDetail>('findData', { tag: `knit#id:${knitId}` });
      return data;
    },

    findPlans: (query: PlanQuery = {}) => list<PlanDetail>('findPlans', { ...query }),
    /** The Plans that `findPlans` finds, one by one; with `limit`, page by page. */
    eachPlan: (query: PlanQuery & PageQuery = {}) => items<PlanDetail>('findPlans', { ...query }),
    registerPlan: (plan: PlanSpec) => json<PlanDetail>('registerPlan', { body: { json: plan } }),
    /** What registering a Plan would do. */
    dryRunPlan: (plan: PlanSpec) => dryRun<PlanDryRun>('registerPlan', { body: { json: plan } }),
    getPlan: (planId: string) => json<PlanDetail>('getPlan', { params: { planId } }),
    /** The Plans before and after a Plan. */
    getPlanGraph: (planId: string, extent: ExtentQuery = {}) =>
      json<PlanGraph>('getPlanGraph', { params: { planId }, query: written(extent) }),
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
    schedulePlan: (planId: string, change: SchedulingChange) =>
      json<PlanDetail>('schedulePlan', { params: { planId }, body: { json: change } }),

    /** Lists are any of; `status` is one of the visible statuses. */
    findRuns: (query: RunQuery = {}) => list<RunDetail>('findRuns', runQuery(query)),
    /** The Runs that `findRuns` finds, one by one; with `limit`, page by page. */
    eachRun: ({ limit, cursor, ...query }: RunQuery & PageQuery = {}) =>
      items<RunDetail>('findRuns', { ...runQuery(query), limit, cursor }),
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

    getLineage: (root: { knitId: string } | { runId: string }, extent: ExtentQuery = {}) =>
      json<Lineage>('getLineage', { query: { ...root, ...written(extent) } }),
    /** Why a Data is, or is not, an input of a Plan's Runs. */
    getWhy: (knitId: string, planId: string) => json<Why>('getWhy', { query: { knitId, planId } }),
    /**
     * Changes of Runs and Data, as they happen, until the signal aborts:
     *
     * ```ts
     * for await (const { event, data } of client.events({ signal })) {
     *   if (event === 'run') console.log(data.runId, data.status);
     * }
     * ```
     */
    events: (options: EventOptions = {}) => eventStream(connection, pathOf('followEvents', {}), options),
    /** Checks that database, volumes and workers agree; with `fix`, mends what can be mended safely. */
    examine: ({ fix = false }: { fix?: boolean } = {}) => json<Examination>(fix ? 'mend' : 'examine'),
    getSystem: () => json<SystemState>('getSystem'),
    pauseSystem: (reason?: string) => json<SystemState>('pauseSystem', { body: { json: { reason } } }),
    resumeSystem: () => json<SystemState>('resumeSystem'),
    limitSystem: (change: LimitsChange) => json<SystemState>('limitSystem', { body: { json: change } }),
    /** What answers; undefined for a 1.6 server, which does not say. */
    getVersion: () => addition<VersionInfo>('getVersion'),

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

const runQuery = ({ plan, knitIdInput, knitIdOutput, status, ...interval }: RunQuery): Query => ({
  plan: anyOf(plan ?? []),
  knitIdInput: anyOf(knitIdInput ?? []),
  knitIdOutput: anyOf(knitIdOutput ?? []),
  status: anyOf(status ?? []),
  ...interval,
});

const written = ({ direction, depth }: ExtentQuery): Query => ({
  direction,
  depth: depth === undefined ? undefined : String(depth),
});

const anyOf = (items: readonly string[]): string | undefined =>
  items.length === 0 ? undefined : items.join(',');

/** An `Accept` header that prefers the first of the types. */
const preference = (types: readonly string[]): string =>
  types.map((type, index) => (index === 0 ? type : `${type};q=${(1 - index / 10).toFixed(1)}`)).join(', ');
