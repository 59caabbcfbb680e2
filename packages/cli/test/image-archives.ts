import { createHash } from 'node:crypto';
import { archive, entry, symbolicLink } from '../../archive/test/tar-blocks.ts';

// Image archives as small as they can be, for tests of what reads them.

export interface ImageFields {
  readonly Entrypoint?: unknown;
  readonly Cmd?: unknown;
  readonly Volumes?: unknown;
}

const digestOf = (content: string): string => createHash('sha256').update(content).digest('hex');

export const imageConfiguration = (config: ImageFields, architecture = 'amd64'): string =>
  JSON.stringify({ os: 'linux', architecture, config, rootfs: { type: 'layers', diff_ids: [] } });

/** What `docker save` wrote before it wrote OCI layouts: layers, configurations, and manifest.json at the end. */
export function dockerArchive(images: Readonly<Record<string, ImageFields>>): Buffer {
  const entries: Buffer[] = [
    entry({ name: 'abc/layer.tar', content: Buffer.alloc(20_000) }),
    symbolicLink('def/layer.tar', '../abc/layer.tar'),
  ];
  const manifest = Object.entries(images).map(([name, config]) => {
    const content = imageConfiguration(config);
    const path = `${digestOf(content)}.json`;
    entries.push(entry({ name: path, content }));
    return { Config: path, RepoTags: name === '' ? null : name.split(' '), Layers: ['abc/layer.tar'] };
  });
  return archive(
    ...entries,
    entry({ name: 'manifest.json', content: JSON.stringify(manifest) }),
    entry({ name: 'repositories', content: '{}' }),
  );
}

/** Builds an archive in the OCI layout, blob by blob. */
export class OciArchive {
  readonly #entries = new Map<string, Buffer>();
  readonly #index: object[] = [];

  blob(content: unknown): { digest: string; size: number } {
    const text = typeof content === 'string' ? content : JSON.stringify(content);
    const digest = digestOf(text);
    this.file(`blobs/sha256/${digest}`, text);
    return { digest: `sha256:${digest}`, size: text.length };
  }

  /** An image's configuration and manifest. */
  manifest(config: ImageFields, architecture = 'amd64'): { digest: string; size: number } {
    return this.blob({
      schemaVersion: 2,
      config: this.blob(imageConfiguration(config, architecture)),
      layers: [],
    });
  }

  /** An index of images for several architectures. */
  platforms(configs: Readonly<Record<string, ImageFields>>): { digest: string; size: number } {
    const manifests = Object.entries(configs).map(([architecture, config]) => ({
      ...this.manifest(config, architecture),
      platform: { os: 'linux', architecture },
    }));
    return this.blob({ schemaVersion: 2, manifests });
  }

  add(descriptor: object, annotations?: Readonly<Record<string, string>>): this {
    this.#index.push({ ...descriptor, ...(annotations && { annotations }) });
    return this;
  }

  file(name: string, content: string | Buffer): this {
    this.#entries.set(name, entry({ name, content }));
    return this;
  }

  without(name: string): this {
    this.#entries.delete(name);
    return this;
  }

  build(): Buffer {
    this.file('oci-layout', '{"imageLayoutVersion":"1.0.0"}');
    this.file('index.json', JSON.stringify({ schemaVersion: 2, manifests: this.#index }));
    return archive(...this.#entries.values());
  }
}

export const named = (name: string) => ({ 'org.opencontainers.image.ref.name': name });
