import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';

const machHeaderBytes = 32;
/** Load commands, Apple's <mach-o/loader.h>. */
const loadCommands = { segment: 0x19, codeSignature: 0x1d };
/** What is hashed at a time (bytes). */
const pageBytes = 4096;
const hashBytes = 32;
const directoryBytes = 88;

/**
 * Signs a program for macOS as itself ("ad hoc", what `codesign --sign -` does), in place of the signature that it has: Bun
 * leaves the one of its own program in programs for x64, and macOS may end a program whose signature is wrong.
 * Sources: Apple's <mach-o/loader.h> and <kern/cs_blobs.h>.
 * @throws when it has no signature to be replaced
 */
export async function signMachO(file: string, identifier: string): Promise<void> {
  await using handle = await open(file, 'r+');
  const { bytesRead, buffer: header } = await handle.read(Buffer.alloc(64 * 1024), 0, 64 * 1024, 0);
  const { signature, text, linkEdit } = findCommands(header.subarray(0, bytesRead));
  const end = header.readUInt32LE(signature + 8);
  const length = signatureBytes(end, identifier);
  header.writeUInt32LE(length, signature + 12);
  const linkEditBytes = end + length - Number(header.readBigUInt64LE(linkEdit + 40));
  header.writeBigUInt64LE(BigInt(linkEditBytes), linkEdit + 48); // in the file
  header.writeBigUInt64LE(BigInt(roundUp(linkEditBytes)), linkEdit + 32); // in memory
  await handle.write(header, 0, bytesRead, 0);

  const textBytes = header.readBigUInt64LE(text + 48);
  const hashes: Buffer[] = [];
  for (let offset = 0; offset < end; offset += pageBytes) {
    const size = Math.min(pageBytes, end - offset);
    const { buffer: page } = await handle.read(Buffer.alloc(size), 0, size, offset);
    hashes.push(createHash('sha256').update(page).digest());
  }
  const written = signatureOf(hashes, { end, identifier, textBytes, length });
  await handle.write(written, 0, length, end);
  await handle.truncate(end + length);
}

/** Where the load commands begin that tell of the signature, and of the segments `__TEXT` and `__LINKEDIT`. */
function findCommands(header: Buffer): { signature: number; text: number; linkEdit: number } {
  const segments: Record<string, number> = {};
  let signature: number | undefined;
  let offset = machHeaderBytes;
  for (let count = header.readUInt32LE(16); count > 0; count--) {
    const command = header.readUInt32LE(offset);
    if (command === loadCommands.codeSignature) signature = offset;
    if (command === loadCommands.segment) {
      segments[header.toString('latin1', offset + 8, offset + 24).replace(/\0+$/, '')] = offset;
    }
    offset += header.readUInt32LE(offset + 4);
  }
  const { __TEXT: text, __LINKEDIT: linkEdit } = segments;
  if (signature === undefined || text === undefined || linkEdit === undefined) {
    throw new Error('the program has no place for a signature');
  }
  return { signature, text, linkEdit };
}

const roundUp = (bytes: number): number => Math.ceil(bytes / pageBytes) * pageBytes;

/** A list of blobs with one entry, and the blob: a code directory, the identifier, and the hashes. */
const listBytes = 20;
const signatureBytes = (end: number, identifier: string): number =>
  listBytes + directoryBytes + identifier.length + 1 + hashBytes * Math.ceil(end / pageBytes);

interface Signed {
  /** Up to where the file is signed (bytes). */
  readonly end: number;
  readonly identifier: string;
  readonly textBytes: bigint;
  readonly length: number;
}

function signatureOf(hashes: readonly Buffer[], { end, identifier, textBytes, length }: Signed): Buffer {
  const signature = Buffer.alloc(length);
  const words = (offset: number, ...values: number[]) => {
    for (const [index, value] of values.entries()) signature.writeUInt32BE(value, offset + 4 * index);
  };
  words(0, 0xfade0cc0, length, 1, 0, listBytes); // the list: its first entry, of type 0, is the directory
  const identifierEnd = directoryBytes + identifier.length + 1;
  const [version, adHoc] = [0x20400, 0x2];
  words(
    listBytes,
    ...[0xfade0c02, length - listBytes, version, adHoc],
    ...[identifierEnd, directoryBytes, 0, hashes.length, end],
  );
  signature.set([hashBytes, 2, 0, Math.log2(pageBytes)], listBytes + 36); // SHA-256
  signature.writeBigUInt64BE(textBytes, listBytes + 72);
  signature.writeBigUInt64BE(1n, listBytes + 80); // a main program
  signature.write(identifier, listBytes + directoryBytes);
  signature.set(Buffer.concat(hashes), listBytes + identifierEnd);
  return signature;
}
