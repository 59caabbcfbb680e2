/** Builds tar archives byte by byte, good ones and bad ones. */
export interface Fields {
  name?: string | Buffer;
  /** The type flag; a file when left out. */
  type?: string;
  content?: string | Buffer;
  /** What the header says, when it is not the length of the content. */
  size?: number | string;
  linkname?: string | Buffer;
  mode?: string;
  mtime?: string;
  magic?: string;
  prefix?: string;
  /** Added to the right checksum. */
  checksumError?: number;
}

export const end = Buffer.alloc(1024);

export const archive = (...entries: readonly Buffer[]): Buffer => Buffer.concat([...entries, end]);

/** A header, its content and the padding. */
export function entry(fields: Fields): Buffer {
  const content = Buffer.from(fields.content ?? '');
  const block = Buffer.alloc(512);
  const put = (value: string | Buffer, offset: number) => Buffer.from(value).copy(block, offset);
  const size = fields.size ?? content.length;
  put(fields.name ?? 'file', 0);
  put(fields.mode ?? '0000644\0', 100);
  put('0000000\0', 108);
  put('0000000\0', 116);
  put(typeof size === 'string' ? size : `${size.toString(8).padStart(11, '0')}\0`, 124);
  put(fields.mtime ?? '14000000000\0', 136);
  put('        ', 148);
  put(fields.type ?? '0', 156);
  put(fields.linkname ?? '', 157);
  put(fields.magic ?? 'ustar\x0000', 257);
  put(fields.prefix ?? '', 345);
  const sum = block.reduce((total, byte) => total + byte, 0) + (fields.checksumError ?? 0);
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return Buffer.concat([block, content, Buffer.alloc((512 - (content.length % 512)) % 512)]);
}

export const directory = (name: string, fields: Fields = {}): Buffer =>
  entry({ name, type: '5', mode: '0000755\0', ...fields });
export const symbolicLink = (name: string, linkname: string): Buffer => entry({ name, type: '2', linkname });
export const hardLink = (name: string, linkname: string): Buffer => entry({ name, type: '1', linkname });

/** One record of a pax extended header. */
export function record(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length++;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** A pax extended header; `type` `g` for one that holds for all that follow. */
export const pax = (records: readonly Buffer[], type = 'x'): Buffer =>
  entry({ name: 'PaxHeader', type, content: Buffer.concat(records) });

/** GNU tar's long name (`L`) or long link target (`K`). */
export const gnuLong = (type: 'L' | 'K', text: string): Buffer =>
  entry({ name: '././@LongLink', type, content: `${text}\0`, magic: 'ustar  \0' });

/** The bytes in chunks of a size, as a stream delivers them. */
export async function* inChunks(bytes: Buffer, size = 65_536): AsyncGenerator<Buffer, void> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
}
