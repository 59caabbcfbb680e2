import { open } from 'node:fs/promises';

/** The longest header that is looked at (bytes). */
const headerBytes = 4096;

/**
 * What platform an executable is for, by its header: `linux-x64`. Sources: the ELF specification, e_machine; Microsoft's
 * "PE Format", Machine Types; Apple's <mach/machine.h>.
 */
export async function platformOf(file: string): Promise<string | undefined> {
  await using handle = await open(file);
  const { buffer: header } = await handle.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
  if (header.toString('latin1', 0, 4) === '\x7fELF') {
    return named('linux', { 62: 'x64', 183: 'arm64' }, header.readUInt16LE(18));
  }
  if (header.readUInt32LE(0) === 0xfeedfacf) {
    return named('darwin', { 16777223: 'x64', 16777228: 'arm64' }, header.readUInt32LE(4));
  }
  const peOffset = header.readUInt32LE(0x3c);
  if (
    header.toString('latin1', 0, 2) === 'MZ' &&
    header.toString('latin1', peOffset, peOffset + 4) === 'PE\0\0'
  ) {
    return named('windows', { 34404: 'x64', 43620: 'arm64' }, header.readUInt16LE(peOffset + 4));
  }
  return undefined;
}

function named(
  system: string,
  machines: Readonly<Record<number, string>>,
  machine: number,
): string | undefined {
  return machine in machines ? `${system}-${machines[machine]}` : undefined;
}
