import { readFile } from 'node:fs/promises';
import { Invalid } from '@knitfab/core';

/**
 * Reads a small YAML file of settings.
 * @throws {Invalid} when it is no YAML, with line and column
 */
export async function readYaml(file: string): Promise<unknown> {
  const text = await readFile(file, 'utf8');
  const { parse, YAMLParseError } = await import('yaml');
  try {
    return parse(text, { maxAliasCount: 100, logLevel: 'error' });
  } catch (error) {
    if (!(error instanceof YAMLParseError || error instanceof ReferenceError)) throw error;
    throw new Invalid({ reason: `${file} is not YAML: ${error.message.trim()}`, cause: error });
  }
}
