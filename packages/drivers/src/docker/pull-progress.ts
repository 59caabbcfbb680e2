import type { PullMessage } from './engine-shapes.ts';

interface Layer {
  /** Bytes */
  readonly current: number;
  readonly total: number;
  readonly isHere: boolean;
}

/** How far a pull has come, for all who wait for it. */
export class PullProgress {
  readonly ended: Promise<void>;
  readonly #image: string;
  readonly #layers = new Map<string, Layer>();
  readonly #listeners = new Set<(words: string) => void>();
  #words: string;

  /** @param pull begins at once */
  constructor(image: string, pull: (report: (message: PullMessage) => void) => Promise<void>) {
    this.#image = image;
    this.#words = `pulls the image ${image}`;
    this.ended = pull((message) => this.#note(message));
    this.ended.catch(() => {});
  }

  /** Calls back with what there is to say, now and when it changes. @returns a function that ends it */
  listen(listener: (words: string) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#words);
    return () => this.#listeners.delete(listener);
  }

  #note({ id, status = '', progressDetail: { current = 0, total = 0 } = {} }: PullMessage): void {
    if (id === undefined) return;
    const layer = this.#layers.get(id) ?? { current: 0, total: 0, isHere: false };
    if (/^(pulling fs layer|waiting|downloading)/i.test(status))
      this.#layers.set(id, { current, total: Math.max(total, layer.total), isHere: false });
    // Then it is unpacked, with numbers of its own.
    else if (/complete|already exists|extracting/i.test(status))
      this.#layers.set(id, { ...layer, current: layer.total, isHere: true });
    this.#tell();
  }

  #tell(): void {
    const layers = [...this.#layers.values()];
    const sum = (of: 'current' | 'total') => layers.reduce((all, each) => all + each[of], 0);
    // Podman tells of whole layers only.
    const far =
      sum('total') > 0
        ? `${megabytes(sum('current'))} of ${megabytes(sum('total'))} MB`
        : `${layers.filter(({ isHere }) => isHere).length} of ${layers.length} layers`;
    const words = `pulls the image ${this.#image}: ${far}`;
    if (words === this.#words) return;
    this.#words = words;
    for (const listener of this.#listeners) listener(words);
  }
}

const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(bytes < 10e6 ? 1 : 0);
