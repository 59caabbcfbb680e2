import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** One installation's life, from nothing to nothing: each file goes on where the one before it has ended. */
const order = [
  'install',
  'first-steps',
  'pipeline',
  'causes',
  'logs',
  'transfers',
  'placement',
  'components',
  'nodes',
  'chaos',
  'conformance',
  'upgrade',
  'uninstall',
  'admin-guide',
];

class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) =>
      order.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`));
    return files.toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['e2e/kubernetes/*.test.ts'],
    globalSetup: './e2e/kubernetes/global-setup.ts',
    sequence: { sequencer: InOrder },
    fileParallelism: false,
    reporters: ['verbose'],
    testTimeout: 150_000,
    hookTimeout: 300_000,
  },
});
