import { gunzipSync, gzipSync } from 'node:zlib';

/** Files of a tree: content by path; a path that ends in `/` is a directory. */
export type Files = Readonly<Record<string, string>>;

const block = 512;

/** A gzipped tar archive (POSIX.1-1988, ustar), as small as can be. */
export function gzippedTar(files: Files): Buffer {
  const entries = Object.entries(files).flatMap(([path, text]) => {
    const content = Buffer.from(text);
    return [header(path, content.length), content, Buffer.alloc(-content.length & (block - 1))];
  });
  return gzipSync(Buffer.concat([...entries, Buffer.alloc(2 * block)]));
}

function header(path: string, size: number): Buffer {
  const isDirectory = path.endsWith('/');
  const bytes = Buffer.alloc(block);
  bytes.write(path, 0, 100);
  bytes.write(isDirectory ? '0000755\0' : '0000644\0', 100);
  bytes.write('0000000\0', 108);
  bytes.write('0000000\0', 116);
  bytes.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  bytes.write('14000000000\0', 136);
  bytes.write('        ', 148);
  bytes.write(isDirectory ? '5' : '0', 156);
  bytes.write('ustar\x0000', 257);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}

/** The files of a gzipped tar archive: content by path, `./` before it dropped. Extended headers are passed over. */
export function filesOf(gzipped: Buffer): Record<string, string> {
  const tar = gunzipSync(gzipped);
  const files: Record<string, string> = {};
  for (let at = 0; at + block <= tar.length && tar[at] !== 0; ) {
    const text = (from: number, length: number) =>
      tar.toString('utf8', at + from, at + from + length).replace(/\0.*$/s, '');
    const size = Number.parseInt(text(124, 12), 8) || 0;
    const type = text(156, 1);
    const path = `${text(345, 155) === '' ? '' : `${text(345, 155)}/`}${text(0, 100)}`;
    if (type === '0' || type === '')
      files[path.replace(/^\.\//, '')] = tar.toString('utf8', at + block, at + block + size);
    at += block + Math.ceil(size / block) * block;
  }
  return files;
}
