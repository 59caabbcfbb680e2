import { statfs } from 'node:fs/promises';
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
    // What a Run left behind of sockets and FIFOs would keep the rest of its output from ever being seen.
    return packTree(this.#volumes.directoryOf(ref), { special: 'leave-out' });
  }

  async write(ref: VolumeRef, tar: AsyncIterable<Buffer>): Promise<void> {
    const directory = this.#volumes.directoryOf(ref);
    const { bavail, bsize } = await statfs(directory);
    await unpackTree(tar, directory, { links: 'inside', durable: true, limits: { bytes: bavail * bsize } });
  }
}
