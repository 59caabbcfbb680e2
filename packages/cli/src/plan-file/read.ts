import { readFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { note } from '../output/print.ts';
import { decodeText } from '../yaml/decode-text.ts';
import { type PlanFile, parsePlans } from './parse.ts';

/**
 * Reads and checks the Plans of a YAML file.
 * @param file its path, or `-` for stdin
 * @throws {Invalid} naming line and column of the first mistake
 */
export async function readPlanFile(file: string): Promise<PlanFile[]> {
  if (file === '-' && process.stdin.isTTY) note('knit: reading a Plan from this terminal; Ctrl-D ends it');
  const [bytes, name] = file === '-' ? [await buffer(process.stdin), 'stdin'] : [await readFile(file), file];
  return parsePlans(decodeText(bytes, name), name);
}
