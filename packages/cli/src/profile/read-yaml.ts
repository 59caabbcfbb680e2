import { readFile } from 'node:fs/promises';
import { Invalid } from '@knitfab/core';
import type { YamlDocument } from '../yaml/parse.ts';

/**
 * Reads a small YAML file of settings.
 * @param advice what to do when it can't be understood
 * @throws {Invalid} when it is no YAML, with line and column; a system error when it can't be read
 */
export async function readYaml(file: string, advice: string): Promise<YamlDocument> {
  const bytes = await readFile(file);
  const [{ decodeText }, { parseYaml }] = await Promise.all([
    import('../yaml/decode-text.ts'),
    import('../yaml/parse.ts'),
  ]);
  try {
    const [document, ...others] = parseYaml(decodeText(bytes, file), file);
    if (document === undefined || others.length > 0) throw new Invalid(`${file} holds several documents`);
    return document;
  } catch (error) {
    throw error instanceof Invalid ? advised(error, advice) : error;
  }
}

/** The same refusal, with more to do about it. */
const advised = (error: Invalid, advice: string): Invalid =>
  new Invalid({
    reason: error.reason,
    advice: error.advice === undefined ? advice : `${error.advice}\n${advice}`,
    cause: error,
  });
