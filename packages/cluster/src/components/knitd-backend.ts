import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Invalid } from '@knitfab/core';
import { createKnitdBackend, ImportTokens, localBackend } from '@knitfab/server';
import { openClusterDrivers } from '../cluster-drivers.ts';
import { type ComponentOptions, runComponent } from '../component.ts';
import { serveUntil } from '../serve-until.ts';

const connections = 16;

/** The internal API: what needs Kubernetes on behalf of a request. Data Agents call this replica by its Pod's address. */
export async function runKnitdBackend({ port = 8080, ...options }: ComponentOptions): Promise<void> {
  await runComponent('knitd-backend', connections, options, async (surroundings) => {
    const { directory, store, log, registry, ending, ready } = surroundings;
    const { POD_NAME: name, POD_IP: address } = process.env;
    if (name === undefined || address === undefined)
      throw new Invalid('POD_NAME and POD_IP should be set: Data Agents call this Pod by them');
    const imports = await readImportTokens(join(directory, 'import/key'));
    const drivers = await openClusterDrivers(surroundings, {
      address: `http://${address.includes(':') ? `[${address}]` : address}:${port}`,
      pod: { name },
    });
    const { agentHome } = drivers;
    if (agentHome === undefined) throw new Error('the drivers have no home for Data Agents');
    const backend = localBackend('kubernetes', store, drivers);
    const app = createKnitdBackend({ store, drivers, backend, agentHome, imports, log, registry });
    await serveUntil(app, port, ending, ready);
    await drivers.close();
  });
}

async function readImportTokens(file: string): Promise<ImportTokens> {
  const key = await readFile(file).catch((cause: Error) => {
    throw new Invalid({
      reason: `the key that signs imports can't be read: ${cause.message}`,
      advice: 'The Secret import-signing-key should have it.',
      cause,
    });
  });
  return new ImportTokens(key);
}
