import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { type PlanFile, parsePlan } from './parse.ts';

/**
 * Reads and checks a Plan in YAML.
 * @param file its path, or `-` for stdin
 * @throws {Invalid} naming line and column of the first mistake
 */
export async function readPlanFile(file: string): Promise<PlanFile> {
  return file === '-'
    ? parsePlan(await text(process.stdin), 'stdin')
    : parsePlan(await readFile(file, 'utf8'), file);
}
