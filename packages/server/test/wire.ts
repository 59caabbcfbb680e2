import { createHash } from 'node:crypto';
import { type IncomingHttpHeaders, request } from 'node:http';
import { gunzipSync, gzipSync } from 'node:zlib';
import { packTree } from '@knitfab/archive';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  trailers: NodeJS.Dict<string>;
  bytes: Buffer;
  /** The body as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  json: any;
}

interface Options {
  body?: string | Buffer | Buffer[];
  headers?: Record<string, string>;
  trailers?: Record<string, string>;
}

/** Plain HTTP, so that what is tested is the wire and not a client of ours. */
export class Wire {
  readonly root: string;

  constructor(root: string) {
    this.root = root;
  }

  send(method: string, path: string, { body, headers = {}, trailers = {} }: Options = {}): Promise<Answer> {
    const { hostname, port } = new URL(this.root);
    return new Promise((resolve, reject) => {
      const sent = request({ hostname, port, path, method, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const bytes = Buffer.concat(chunks);
          const isJson = answer.headers['content-type']?.startsWith('application/json') && bytes.length > 0;
          const { statusCode: status = 0, headers: received } = answer;
          resolve({
            status,
            headers: received,
            trailers: answer.trailers,
            bytes,
            json: isJson ? JSON.parse(bytes.toString()) : undefined,
          });
        });
      });
      sent.on('error', reject);
      // As Go's client does, trailers come without having been announced in a Trailer header.
      if (Object.keys(trailers).length > 0) sent.setHeader('transfer-encoding', 'chunked');
      for (const chunk of Array.isArray(body) ? body : body === undefined ? [] : [body]) sent.write(chunk);
      sent.addTrailers(trailers);
      sent.end();
    });
  }

  get = (path: string) => this.send('GET', path);
  put = (path: string, body?: unknown) =>
    this.send('PUT', path, body === undefined ? {} : { body: JSON.stringify(body) });
  post = (path: string, body: unknown) => this.send('POST', path, { body: JSON.stringify(body) });
  delete = (path: string) => this.send('DELETE', path);

  /** Uploads an archive as a 1.6 client does: gzipped, chunked, with the MD5 as a trailer. */
  upload(archive: Buffer, checksum = md5(archive)): Promise<Answer> {
    return this.send('POST', '/api/data/', {
      body: archive,
      headers: { 'content-type': 'application/tar+gzip' },
      trailers: { 'x-checksum-md5': checksum },
    });
  }

  /** Makes a Data of a directory, with tags. */
  async push(directory: string, ...tags: string[]): Promise<string> {
    const { json } = await this.upload(await gzippedTree(directory));
    await this.put(`/api/data/${json.knitId}`, { add: tags });
    return json.knitId;
  }
}

export const md5 = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');

export const gzippedTree = async (directory: string): Promise<Buffer> =>
  gzipSync(Buffer.concat(await packTree(directory).toArray()));

/** The names of an archive's entries. */
export function entryNames(gzipped: Buffer): string[] {
  const tar = gunzipSync(gzipped);
  const names: string[] = [];
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    names.push(
      tar
        .subarray(at, at + 100)
        .toString()
        .replace(/\0.*$/s, ''),
    );
    const size = Number.parseInt(tar.subarray(at + 124, at + 136).toString(), 8) || 0;
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return names;
}
