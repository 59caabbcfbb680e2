import type { Readable } from 'node:stream';
import { packTree, unpackTree } from '@knitfab/archive';
import type { TransferDriver, VolumeRef } from '@knitfab/engine';
import type { LocalVolumes } from './volumes.ts';

/** Brings trees in and out of volumes in this process: the volumes are at hand. */
export class LocalTransfers implements TransferDriver {
  readonly #volumes: LocalVolumes;

  constructor(volumes: LocalVolumes) {
    this.#volumes = volumes;
  }

  async read(ref: VolumeRef): Promise<Readable> {
    return packTree(this.#volumes.directoryOf(ref));
  }

  async write(ref: VolumeRef, tar: AsyncIterable<Buffer>): Promise<void> {
    await unpackTree(tar, this.#volumes.directoryOf(ref), { links: 'inside', durable: true });
  }
}
