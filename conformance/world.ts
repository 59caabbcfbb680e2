import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { type Files, gzippedTar } from './archive.ts';
import { Deviation, expectShape, expectStatus, NotTried } from './expect.ts';
import {
  type DataDetail,
  dataDetail,
  type PlanDetail,
  planDetail,
  type RunDetail,
  runDetail,
} from './shapes.ts';
import { md5, type Wire } from './wire.ts';

/** A Plan as the suite writes it. */
export interface PlanSpec {
  image?: string;
  inputs?: readonly { path: string; tags: readonly unknown[] }[];
  [field: string]: unknown;
}

export interface WorldOptions {
  /** An image with a shell, for Plans that are really executed. */
  readonly image?: string;
  /** How that image runs a script, which comes as one more argument: `['sh', '-c']`. */
  readonly command: readonly string[];
  /** How long a Run may take, in milliseconds. */
  readonly patience: number;
}

const finished = ['done', 'failed'];

/** The id of nothing. */
export const nobody = '00000000-0000-4000-8000-000000000000';

/** The server under test, and what the suite makes on it: found by tags of its own, and taken away in the end. */
export class World {
  readonly wire: Wire;
  /** A key of tags that nobody else has. */
  readonly mark = `conformance-${randomBytes(5).toString('hex')}`;
  readonly #options: WorldOptions;
  readonly #plans: string[] = [];
  readonly #uploads: DataDetail[] = [];
  #image: string | undefined;
  #paths: Readonly<Record<string, unknown>> | undefined;

  constructor(wire: Wire, options: WorldOptions) {
    this.wire = wire;
    this.#options = options;
  }

  /** A tag that nobody else uses. */
  tag = (value: string): string => `${this.mark}:${value}`;

  /** Uploads a tree as a 1.6 client does, without any tags. */
  async upload(files: Files = { 'file.txt': 'content\n' }): Promise<DataDetail> {
    const archive = gzippedTar(files);
    const answer = await this.wire.send('POST', '/api/data', {
      body: archive,
      headers: { 'content-type': 'application/tar+gzip' },
      trailers: { 'x-checksum-md5': md5(archive) },
    });
    const data = expectShape(answer, dataDetail, 'POST /api/data');
    this.#uploads.push(data);
    return data;
  }

  /** Uploads a tree and tags it. */
  async data(tags: readonly string[], files?: Files): Promise<DataDetail> {
    const { knitId } = await this.upload(files);
    const answer = await this.wire.put(`/api/data/${knitId}`, { add: tags });
    return expectShape(answer, dataDetail, 'PUT /api/data/{knitId}');
  }

  /** Remembers a Data that a check has uploaded by itself. */
  remember(data: DataDetail): DataDetail {
    this.#uploads.push(data);
    return data;
  }

  /** A Plan that the server would take, inactive so that nothing of it is executed. */
  async spec(name: string, rest: PlanSpec = {}): Promise<Record<string, unknown>> {
    return {
      image: await this.acceptedImage(),
      entrypoint: ['sh', '-c'],
      args: [`true ${this.mark} ${name}`],
      inputs: [{ path: '/in', tags: [this.tag(`${name}-in`)] }],
      outputs: [{ path: '/out', tags: [this.tag(`${name}-out`)] }],
      log: { tags: [this.tag(`${name}-log`)] },
      active: false,
      ...rest,
    };
  }

  /** Registers a Plan; see `spec`. */
  async plan(name: string, rest: PlanSpec = {}): Promise<PlanDetail> {
    return this.register(await this.spec(name, rest));
  }

  async register(spec: unknown): Promise<PlanDetail> {
    const plan = expectShape(await this.wire.post('/api/plans', spec), planDetail, 'POST /api/plans');
    this.#plans.push(plan.planId);
    return plan;
  }

  /** Registers a Plan whose script is really executed once Data fit it. */
  async executed(name: string, script: string, rest: PlanSpec = {}): Promise<PlanDetail> {
    const { command } = this.#options;
    const image = await this.executableImage();
    return this.plan(name, {
      image,
      entrypoint: command,
      args: [`${script} # ${this.mark}`],
      active: true,
      ...rest,
    });
  }

  /** @throws {NotTried} when nobody has named an image, and the server is not known to run its machine's own commands */
  async executableImage(): Promise<string> {
    if (this.#options.image !== undefined) return this.#options.image;
    const { json } = await this.wire.get('/api/version');
    if (typeof json === 'object' && json !== null && 'driver' in json && json.driver === 'local')
      return 'host:v1';
    throw new NotTried('nothing is executed unless --image names an image that the server can run');
  }

  /** The image of Plans that are only registered. Some servers refuse images that they could never run. */
  async acceptedImage(): Promise<string> {
    if (this.#image !== undefined) return this.#image;
    const candidates = [this.#options.image, `localhost:30503/${this.mark}:v1`, `host:${this.mark}`];
    for (const image of candidates) {
      if (image === undefined) continue;
      const inputs = [{ path: '/in', tags: [this.tag('none')] }];
      const answer = await this.wire.post('/api/plans', {
        image,
        inputs,
        entrypoint: ['true'],
        active: false,
      });
      if (answer.status !== 200) continue;
      this.#plans.push(expectShape(answer, planDetail, 'POST /api/plans').planId);
      this.#image = image;
      return image;
    }
    throw new NotTried('the server takes no Plan: name an image that it can run with --image');
  }

  async run(runId: string): Promise<RunDetail> {
    return expectShape(await this.wire.get(`/api/runs/${runId}`), runDetail, 'GET /api/runs/{runId}');
  }

  /** The Plan's Runs, once there are so many and all of them are as asked for. */
  async runs(planId: string, count: number, wanted: readonly string[] = []): Promise<RunDetail[]> {
    return this.eventually(`${count} Run(s) of ${planId} ${wanted.join(' or ')}`, async () => {
      const answer = await this.wire.get(`/api/runs?plan=${planId}`);
      const runs = expectShape(answer, z.array(runDetail), 'GET /api/runs?plan=');
      const fit = runs.every(({ status }) => wanted.length === 0 || wanted.includes(status));
      return runs.length === count && fit ? runs : undefined;
    });
  }

  /** The one Run of the Plan, as soon as it is as asked for. */
  async onlyRun(planId: string, ...wanted: string[]): Promise<RunDetail> {
    return (await this.runs(planId, 1, wanted))[0] as RunDetail;
  }

  /**
   * Tries until there is something.
   * @throws {Deviation} when it takes too long
   */
  async eventually<Result>(what: string, look: () => Promise<Result | undefined>): Promise<Result> {
    const deadline = Date.now() + this.#options.patience;
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      if (Date.now() > deadline)
        throw new Deviation(`${what}: not so within ${this.#options.patience / 1000} s`);
      await setTimeout(50);
    }
  }

  /**
   * The paths that the server describes: additions to 1.6.
   * @throws {NotTried} when it describes none
   */
  async paths(): Promise<Readonly<Record<string, unknown>>> {
    const answer = this.#paths === undefined ? await this.wire.get('/api/openapi.json') : undefined;
    if (answer?.status === 200)
      this.#paths = z.object({ paths: z.record(z.string(), z.unknown()) }).parse(answer.json).paths;
    this.#paths ??= {};
    if (Object.keys(this.#paths).length === 0)
      throw new NotTried('the server has no /api/openapi.json: it has no additions');
    return this.#paths;
  }

  /** @throws {NotTried} when the server does not describe this path */
  async needs(path: string): Promise<void> {
    if (!(path in (await this.paths()))) throw new NotTried(`the server has no ${path}`);
  }

  /** Takes away what was made: Runs and with them their Data, then uploads. Plans can only be deactivated. */
  async clean(): Promise<void> {
    for (const planId of this.#plans) await this.wire.delete(`/api/plans/${planId}/active`);
    // Also of a server whose Runs are not what they should be.
    const some = z.array(z.object({ runId: z.string(), status: z.string() }));
    const leftovers = async () => {
      const { json } = await this.wire.get(`/api/runs?plan=${this.#plans.join(',')}`);
      return (this.#plans.length > 0 && some.safeParse(json).data) || [];
    };
    const deadline = Date.now() + this.#options.patience;
    for (let runs = await leftovers(); runs.length > 0 && Date.now() < deadline; runs = await leftovers()) {
      for (const { runId, status } of runs) {
        if (finished.includes(status) || status === 'waiting' || status === 'deactivated')
          await this.wire.delete(`/api/runs/${runId}`);
        else await this.wire.put(`/api/runs/${runId}/abort`);
      }
      await setTimeout(50);
    }
    for (const { upstream } of this.#uploads) await this.wire.delete(`/api/runs/${upstream.run.runId}`);
  }
}

/** The answer to a request that changes a Data's tags. */
export async function tagged(world: World, knitId: string, change: unknown): Promise<DataDetail> {
  const answer = await world.wire.put(`/api/data/${knitId}`, change);
  expectStatus(answer, 200, `PUT /api/data/{knitId} ${JSON.stringify(change)}`);
  return expectShape(answer, dataDetail, 'PUT /api/data/{knitId}');
}

export const userTags = ({ tags }: { tags: readonly string[] }): string[] =>
  tags.filter((tag) => !tag.startsWith('knit#'));
