import { readFile } from 'node:fs/promises';
import { Invalid } from '@knitfab/core';
import { defaultWorkerOptions, type VolumeOptions, type WorkerOptions } from '@knitfab/drivers/kubernetes';

/** What a component is told by its ConfigMap, as /etc/knitfab/config.json. */
export interface Configuration {
  readonly namespace: string;
  /** The cluster's domain. */
  readonly clusterTLD: string;
  /** The image of the programs that run in Pods. */
  readonly image: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';
  readonly imagePullSecrets: readonly string[];
  readonly volumes: VolumeOptions;
  readonly worker: WorkerOptions;
  /** Where knitd finds knitd-backend. */
  readonly backend: string;
  readonly log: { readonly level: string };
}

/**
 * Reads a component's configuration.
 * @throws {Invalid} naming the field that is wrong or not known
 */
export async function readConfiguration(file: string): Promise<Configuration> {
  return parseConfiguration(await text(file), file);
}

async function text(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new Invalid({
      reason: `the configuration ${file} can't be read: ${(cause as Error).message}`,
      advice: 'Name it with --config FILE.',
      cause,
    });
  }
}

export function parseConfiguration(json: string, file = 'configuration'): Configuration {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (cause) {
    throw new Invalid({ reason: `${file} is not JSON: ${(cause as Error).message}`, cause });
  }
  const top = new Fields(file, '', parsed);
  const volumes = top.fields('volumes');
  const worker = top.fields('worker');
  const log = top.fields('log');
  const storageClass = volumes.text('storageClass', '');
  const priorityClass = worker.text('priorityClass', '');
  const configuration: Configuration = {
    namespace: top.text('namespace'),
    clusterTLD: top.text('clusterTLD', 'cluster.local'),
    image: top.text('image'),
    imagePullPolicy: top.oneOf('imagePullPolicy', ['IfNotPresent', 'Always', 'Never']),
    imagePullSecrets: top.texts('imagePullSecrets'),
    volumes: {
      ...(storageClass !== '' && { storageClass }),
      size: volumes.text('size', '1Gi'),
      accessMode: volumes.oneOf('accessMode', ['ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod']),
      spare: volumes.count('spare'),
    },
    worker: {
      ...(priorityClass !== '' && { priorityClass }),
      startDeadlineSeconds: worker.seconds('startDeadlineSeconds'),
      imageDeadlineSeconds: worker.seconds('imageDeadlineSeconds'),
      mountDeadlineSeconds: worker.seconds('mountDeadlineSeconds'),
      nodeLossSeconds: worker.seconds('nodeLossSeconds'),
    },
    backend: top.text('backend', 'http://knitd-backend:8080'),
    log: { level: log.oneOf('level', ['info', 'trace', 'debug', 'warn', 'error']) },
  };
  for (const fields of [top, volumes, worker, log]) fields.refuseOthers();
  return configuration;
}

/** The fields of an object of the configuration. zod would cost each loop several MiB. */
class Fields {
  readonly #file: string;
  readonly #path: string;
  readonly #values: Record<string, unknown>;
  readonly #known = new Set<string>();

  constructor(file: string, path: string, value: unknown) {
    this.#file = file;
    this.#path = path;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new Invalid(`${file}: ${path === '' ? 'it' : path.slice(0, -1)} should be an object`);
    this.#values = value as Record<string, unknown>;
  }

  fields(name: string): Fields {
    return new Fields(this.#file, `${this.#path}${name}.`, this.#take(name) ?? {});
  }

  text(name: string, otherwise?: string): string {
    const value = this.#take(name) ?? otherwise;
    if (typeof value !== 'string') throw this.#wrong(name, 'text');
    return value;
  }

  texts(name: string): string[] {
    const value = this.#take(name) ?? [];
    if (!Array.isArray(value) || value.some((each) => typeof each !== 'string'))
      throw this.#wrong(name, 'a list of texts');
    return value;
  }

  /** The first is meant when it is left out. */
  oneOf<const Choice extends string>(name: string, choices: readonly [Choice, ...Choice[]]): Choice {
    const value = this.#take(name) ?? choices[0];
    const choice = choices.find((each) => each === value);
    if (choice === undefined) throw this.#wrong(name, `one of ${choices.join(', ')}`);
    return choice;
  }

  seconds(name: Exclude<keyof WorkerOptions, 'priorityClass'>): number {
    const value = this.#take(name) ?? defaultWorkerOptions[name];
    if (typeof value !== 'number' || !(value > 0))
      throw this.#wrong(name, 'a number of seconds, more than 0');
    return value;
  }

  /** A number of things; none when it is left out. */
  count(name: string): number {
    const value = this.#take(name) ?? 0;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0)
      throw this.#wrong(name, 'a whole number, 0 or more');
    return value;
  }

  refuseOthers(): void {
    const other = Object.keys(this.#values).find((name) => !this.#known.has(name));
    if (other === undefined) return;
    const advice = `There are: ${[...this.#known].join(', ')}.`;
    throw new Invalid({ reason: `${this.#file}: there is no ${this.#path}${other}`, advice });
  }

  #take(name: string): unknown {
    this.#known.add(name);
    return this.#values[name];
  }

  #wrong = (name: string, what: string): Invalid =>
    new Invalid(`${this.#file}: ${this.#path}${name} should be ${what}`);
}
