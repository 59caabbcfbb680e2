import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Client, PlanSpec, RunDetail } from '@knitfab/api';
import { packTree } from '@knitfab/archive';

const sources = fileURLToPath(new URL('../packages/cli/bin/knit.js', import.meta.url));

/** The command, as `npx knit` finds it, or the released executable that the variable KNIT names. */
export const knit: readonly [string, ...string[]] = process.env.KNIT
  ? [resolve(process.env.KNIT)]
  : [process.execPath, sources];

const unfinished = ['deactivated', 'waiting', 'ready', 'starting', 'running', 'completing', 'aborting'];

/** Somebody who works with a server, by its API and by the command. */
export abstract class KnitUser {
  /** Where commands are run. */
  readonly directory: string;

  constructor(directory: string = process.cwd()) {
    this.directory = directory;
  }

  abstract get client(): Client;

  /** The environment in which commands find the server. */
  abstract get environment(): NodeJS.ProcessEnv;

  /** Runs a `knit` command against the server. */
  async knit(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const [program, ...first] = knit;
    const child = spawn(program, [...first, ...args], {
      cwd: this.directory,
      env: this.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [stdout, stderr, [code]] = await Promise.all([
      child.stdout.toArray(),
      child.stderr.toArray(),
      once(child, 'exit'),
    ]);
    return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() };
  }

  /** Pushes a directory and returns the new Data's id once its tags are acknowledged. */
  async push(directory: string, ...tags: string[]): Promise<string> {
    const { knitId } = await this.client.uploadData(packTree(directory), {
      contentType: 'application/x-tar',
    });
    await this.client.tagData(knitId, { add: tags });
    return knitId;
  }

  async register(plan: PlanSpec): Promise<string> {
    return (await this.client.registerPlan(plan)).planId;
  }

  /** Waits until a Plan has at least `count` Runs and all of them are finished. */
  async finished(planId: string, count: number, pause = 20): Promise<RunDetail[]> {
    for (;;) {
      const open = await this.client.findRuns({ plan: [planId], status: unfinished });
      if (open.length === 0) {
        const runs = await this.client.findRuns({ plan: [planId] });
        if (runs.length >= count && runs.every((run) => !unfinished.includes(run.status))) return runs;
      }
      await setTimeout(pause);
    }
  }

  /** What a Run has printed. */
  async log(runId: string): Promise<string> {
    return Buffer.concat(await (await this.client.getRunLog(runId)).toArray()).toString();
  }
}
