import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdir, writeFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { DataDetail, PlanDetail, RunDetail } from '@knitfab/api';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { CertificateAuthority } from './certificates.ts';
import type { RunningProxy } from './proxy.ts';
import { RunningKnit } from './running-knit.ts';
import { type Strictness, startStrictServer } from './strict-server.ts';

// Every command of spec page 3 against servers that know nothing but spec page 2 (see strict-server.ts).

// Each test starts many commands.
vi.setConfig({ testTimeout: 120_000 });

let running: RunningKnit;
const servers: RunningProxy[] = [];

// The third speaks TLS where openssl is there to make a certificate.
const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const deployments: readonly (Strictness & { name: string })[] = [
  { name: 'without trailing slashes', slash: 'never', nulls: false, checksums: true },
  { name: 'with trailing slashes only', slash: 'always', nulls: true, checksums: false },
  {
    name: 'behind a proxy that sends on to trailing slashes',
    slash: 'redirect',
    nulls: true,
    checksums: true,
  },
];

beforeAll(async () => {
  running = await RunningKnit.start();
  for (const deployment of deployments) {
    const authority =
      hasOpenssl && deployment.slash === 'redirect'
        ? new CertificateAuthority(running.home.path, 'ca')
        : undefined;
    const tls = authority?.issue('strict', 'IP:127.0.0.1');
    const server = await startStrictServer(await running.apiRoot(), { ...deployment, ...(tls && { tls }) });
    servers.push(server);
    const ca = authority ? `cert: {ca: ${Buffer.from(authority.certificate).toString('base64')}}\n` : '';
    const directory = await running.directory(`deployment-${servers.length}`, {
      knitprofile: `apiRoot: ${server.apiRoot}/\n${ca}`,
      knitenv: 'tag: ["project:strict"]\n',
    });
    expect(await running.home.knit(['init', 'knitprofile'], { cwd: directory })).toMatchObject({ code: 0 });
  }
});

afterAll(async () => {
  for (const server of servers) server.close();
  await running.stop();
});

describe.each(deployments.map(({ name, slash }, index) => ({ name, index, isWhole: slash !== 'redirect' })))(
  'a strict server $name',
  ({ index, isWhole }) => {
    const cwd = () => join(running.home.work, `deployment-${index + 1}`);
    const knit = (...args: string[]) => running.home.knit(args, { cwd: cwd() });
    const json = <Shape>(...args: string[]) => running.json<Shape>(args, { cwd: cwd() });
    const tag = `strict:${index}`;

    async function plan(input: string, script: string, output = `${input}-result`): Promise<PlanDetail> {
      const file = join(cwd(), `${input.replace(':', '-')}.yaml`);
      await writeFile(
        file,
        `image: host:v1\nentrypoint: [sh, -c]\nargs: [${JSON.stringify(script)}]\ninputs: [{path: /in/data, tags: ["${input}"]}]
outputs: [{path: /out, tags: ["${output}"]}]\nlog: {tags: ["log-of:${output}"]}\nresources: {cpu: 100m}\n`,
      );
      return json('plan', 'apply', file);
    }

    it('takes and gives Data, and finds and tags them', async () => {
      const source = await running.directory(`deployment-${index + 1}/tree`, { 'a/日本語.txt': 'hello' });
      const pushed = await json<DataDetail>('data', 'push', '-n', '-t', tag, '-t', 'stage:raw', source);
      expect(pushed.tags).toEqual(expect.arrayContaining([tag, 'name:tree', 'project:strict', 'stage:raw']));
      expect(pushed).toMatchObject({ downstreams: [], nomination: [] });
      const { knitId } = pushed;
      expect(await knit('data', 'pull', '-x', knitId, 'trees')).toMatchObject({ code: 0 });
      expect(execFileSync('diff', ['-r', source, join(cwd(), 'trees', knitId)], { encoding: 'utf8' })).toBe(
        '',
      );
      expect(await knit('data', 'pull', knitId, 'archives')).toMatchObject({ code: 0 });
      expect(
        execFileSync('tar', ['tzf', join(cwd(), 'archives', `${knitId}.tar.gz`)], { encoding: 'utf8' }),
      ).toContain('a/');
      expect(await knit('data', 'pull', knitId, '-')).toMatchObject({ code: 0 });
      expect(await json('data', 'find', '-t', tag)).toEqual([pushed]);
      expect(await json('data', 'find', '-t', `knit#id:${knitId}`, '--transient', 'no')).toEqual([pushed]);
      const since = pushed.upstream.run.updatedAt;
      expect(await json('data', 'find', '-t', tag, '--since', since, '--duration=1ns')).toEqual([pushed]);
      expect(await json('data', 'find', '-t', `${tag}-nothing`)).toEqual([]);
      const tagged = await json<DataDetail>(
        'data',
        'tag',
        '--remove-key',
        'stage',
        '--add',
        'stage:new',
        knitId,
      );
      expect(tagged.tags).toContain('stage:new');
      expect(await json('data', 'show', knitId)).toEqual(tagged);
      for (const flags of [[], ['--output', 'yaml'], ['--output', 'table']])
        expect(await knit('data', 'find', '-t', tag, ...flags)).toMatchObject({ code: 0 });
      expect(await knit('data', 'find', '-t', `${tag}-nothing`, '--output', 'table')).toMatchObject({
        code: 0,
      });
    });

    // Of the third, the requests that can't be sent twice are enough.
    it.runIf(isWhole)('registers, finds and changes Plans', async () => {
      const registered = await plan(`${tag}-unused`, 'true');
      const { planId } = registered;
      expect(registered.inputs[0]?.upstreams).toEqual([]);
      expect(await json('plan', 'show', planId)).toEqual(registered);
      expect(
        await json('plan', 'find', '--in-tag', `${tag}-unused`, '--image', 'host', '--active=yes'),
      ).toEqual([registered]);
      expect(await json('plan', 'find', '-o', `${tag}-nowhere`)).toEqual([]);
      const again = await knit('plan', 'apply', join(cwd(), `strict-${index}-unused.yaml`));
      expect(again).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('answered 409') });
      const change = (...args: string[]) => json<PlanDetail>('plan', ...args, planId);
      expect((await change('active', 'no')).active).toBe(false);
      expect((await change('resource', '--set', 'memory=64Mi', '--unset', 'cpu')).resources).toEqual({
        memory: '64Mi',
      });
      expect((await change('annotate', '--add', 'a=1')).annotations).toEqual(['a=1']);
      expect((await change('serviceaccount', '--set', 'trainer')).service_account).toBe('trainer');
      expect(await change('serviceaccount', '--unset')).not.toHaveProperty('service_account');
      expect(await knit('plan', 'find', '--output', 'table')).toMatchObject({ code: 0 });
      expect(await knit('plan', 'show', '--output', 'table', planId)).toMatchObject({ code: 0 });
      expect(await knit('plan', 'graph', '--format', 'json', planId)).toMatchObject({ code: 0 });
    });

    it('is not asked for a dry run, which it would take for the real thing', async () => {
      const file = join(cwd(), 'dry.yaml');
      await writeFile(file, `image: host:v1\ninputs: [{path: /in, tags: ["${tag}-dry"]}]\n`);
      const { code, stdout, stderr } = await knit('plan', 'apply', '--dry-run', file);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).toMatch(/dry run/);
      expect(await json('plan', 'find', '-i', `${tag}-dry`)).toEqual([]);
    });

    it.runIf(isWhole)('runs Plans, shows Runs with their logs, and draws the lineage', async () => {
      const { planId } = await plan(`${tag}-quick`, 'echo hello; cp -r /in/data/. /out');
      const input = await push('quick');
      const run = await firstRun(planId);
      expect(await knit('run', 'wait', '--timeout', '50s', run.runId)).toMatchObject({ code: 0 });
      const done = await json<RunDetail>('run', 'show', run.runId);
      expect(done).toMatchObject({ status: 'done', exit: { code: 0, message: '' }, plan: { planId } });
      const shown = await Promise.all([
        knit('run', 'show', '--log', run.runId),
        knit('run', 'show', '--log', '--follow', run.runId),
        knit('run', 'show', '--output', 'table', run.runId),
        knit('run', 'find', '--output', 'table'),
        knit('run', 'wait', '--timeout', '50s'),
      ]);
      expect(shown.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
      expect(shown.slice(0, 2).map(({ stdout }) => stdout)).toEqual(['hello\n', 'hello\n']);
      const found = await Promise.all([
        json('run', 'find', '-i', input.knitId, '-s', 'done,failed'),
        json('run', 'find', '-o', done.outputs[0]?.knitId ?? '', '--since', done.updatedAt),
        json('run', 'find', '-p', planId, '-s', 'failed'),
      ]);
      expect(found).toEqual([[done], [done], []]);
      const drawn = ['dot', 'svg', 'html', 'json'].map((format) =>
        knit('data', 'lineage', '-n', 'all', '--format', format, input.knitId),
      );
      for (const outcome of await Promise.all(drawn)) expect(outcome).toMatchObject({ code: 0 });
    });

    it.runIf(isWhole)('follows, stops, retries and deletes Runs', async () => {
      const { planId } = await plan(`${tag}-long`, 'echo started; sleep 600');
      await push('long');
      const runId = await whileRunning(planId);
      const follow = running.home.start(['run', 'show', '--log', '-f', runId], { cwd: cwd() });
      let said = '';
      for await (const chunk of follow.stdout) {
        said += chunk;
        if (said.includes('started')) break;
      }
      follow.kill('SIGINT');
      expect(await json('run', 'stop', '--fail', runId)).toMatchObject({ runId });
      expect((await knit('run', 'wait', '--timeout', '50s', runId)).code).toBe(1);
      expect(await json('run', 'show', runId)).toMatchObject({ status: 'failed', exit: { code: 253 } });
      await json('run', 'retry', runId);
      await whileRunning(planId);
      expect(await json('run', 'stop', runId)).toMatchObject({ runId });
      expect((await knit('run', 'wait', '--timeout', '50s', runId)).code).toBe(0);
      expect(await knit('run', 'rm', runId)).toMatchObject({ code: 0, stdout: '' });
      expect(await knit('run', 'show', runId)).toMatchObject({ code: 1, stdout: '' });
    });

    it.runIf(isWhole)('is told what it refused, in its own words', async () => {
      const missing = '00000000-0000-4000-8000-000000000000';
      for (const args of [
        ['run', 'stop', missing],
        ['plan', 'active', 'no', missing],
        ['data', 'tag', '--add', 'a:b', missing],
        ['data', 'pull', missing],
        ['run', 'rm', missing],
      ]) {
        const { code, stdout, stderr } = await knit(...args);
        expect({ args, code, stdout }).toEqual({ args, code: 1, stdout: '' });
        expect(stderr).toMatch(/there is no (Run|Plan|Data)[\s\S]*answered 404/);
      }
      expect((await readdir(cwd())).filter((name) => name.startsWith('.0'))).toEqual([]);
    });

    async function push(name: string): Promise<DataDetail> {
      const source = await running.directory(`deployment-${index + 1}/input`, { a: '1' });
      return json('data', 'push', '-t', `${tag}-${name}`, source);
    }

    async function firstRun(planId: string, ...args: string[]): Promise<RunDetail> {
      for (;;) {
        const [run] = await json<RunDetail[]>('run', 'find', '-p', planId, ...args);
        if (run) return run;
      }
    }

    /** The Run of a Plan, once it runs. */
    const whileRunning = async (planId: string) => (await firstRun(planId, '-s', 'running')).runId;
  },
);

describe('a strict server far away, behind a proxy that drops trailers', () => {
  it('takes and gives Data', async () => {
    const [server] = servers;
    const { port } = new URL(server?.apiRoot ?? '');
    const proxy = http.createServer((request, response) => {
      const { pathname, search } = new URL(request.url ?? '');
      const { method, headers } = request;
      const onward = http.request({ port, path: pathname + search, method, headers }, (answer) => {
        answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.headers));
      });
      request.pipe(onward);
    });
    proxy.listen(0, '127.0.0.1');
    await once(proxy, 'listening');
    const store = join(running.home.path, 'far');
    await writeFile(store, 'far: {apiRoot: "http://knit.example.invalid/api"}\n');
    const env = { http_proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
    const knit = (...args: string[]) =>
      running.home.knit([...args, '--profile', 'far', '--profile-store', store], { env });
    const source = await running.directory('far-tree', { a: 'hello' });
    const { code, stdout } = await knit('data', 'push', source);
    expect(code).toBe(0);
    const { knitId } = JSON.parse(stdout) as DataDetail;
    for (const flags of [[], ['-x']])
      expect(await knit('data', 'pull', ...flags, knitId, 'from-far')).toMatchObject({ code: 0 });
    expect(
      execFileSync('diff', ['-r', source, join(running.home.work, 'from-far', knitId)], { encoding: 'utf8' }),
    ).toBe('');
    proxy.close();
    proxy.closeAllConnections();
  });
});
