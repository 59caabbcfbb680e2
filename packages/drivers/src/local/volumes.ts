import { mkdirSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { syncTree } from '@knitfab/archive';
import type { VolumeDriver, VolumeRef } from '@knitfab/engine';
import { checkName, type Places } from './places.ts';
import type { Trash } from './trash.ts';

/** Volumes as plain directories. */
export class LocalVolumes implements VolumeDriver {
  readonly #places: Places;
  readonly #trash: Trash;

  constructor(places: Places, trash: Trash) {
    this.#places = places;
    this.#trash = trash;
  }

  async create(ref: VolumeRef): Promise<void> {
    mkdirSync(this.directoryOf(ref), { recursive: true });
  }

  async destroy(ref: VolumeRef): Promise<void> {
    const { deleted } = await this.#trash.discard(this.directoryOf(ref));
    await deleted;
  }

  async list(): Promise<VolumeRef[]> {
    return await readdir(this.#places.volumes);
  }

  async isReady(ref: VolumeRef): Promise<boolean> {
    return statSync(this.directoryOf(ref), { throwIfNoEntry: false })?.isDirectory() ?? false;
  }

  async sync(ref: VolumeRef): Promise<void> {
    await syncTree(this.directoryOf(ref));
  }

  /** @throws {Invalid} for a name that could lead out of the place for volumes */
  directoryOf(ref: VolumeRef): string {
    checkName(ref);
    return join(this.#places.volumes, ref);
  }
}
