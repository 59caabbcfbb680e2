import { fileURLToPath } from 'node:url';
import { mergeConfig, type Plugin } from 'vitest/config';
import base from '../../../../vitest.config.ts';
import { mistaken, mistakes } from './mistakes.ts';

// The model test, with the mistake that `MISTAKE` names in the engine: made as its file is loaded, so that no file is changed.

const mistake = mistakes.find(({ name }) => name === process.env.MISTAKE);
if (mistake === undefined) throw new Error(`there is no mistake "${process.env.MISTAKE}"`);

const making: Plugin = {
  name: 'mistake',
  enforce: 'pre',
  transform: (source, id) =>
    id.endsWith(`/packages/${mistake.file}`) ? mistaken(source, mistake) : undefined,
};

export default mergeConfig(base, {
  root: fileURLToPath(new URL('../../../..', import.meta.url)),
  plugins: [making],
  // What is kept of a file is what it was without the mistake, or with another one.
  test: { fsModuleCache: false },
});
