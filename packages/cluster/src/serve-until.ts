import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { createKnitd } from '@knitfab/server';

/** Requests that are under way when the component ends have this long to come to their end. */
const graceMilliseconds = 15_000;

/** Serves on all addresses until the signal aborts; then what is under way may end, and no more is accepted. */
export async function serveUntil(
  app: ReturnType<typeof createKnitd>,
  port: number,
  ending: AbortSignal,
  ready: (details: { port: number }) => void,
): Promise<void> {
  await listen(app, port);
  ready({ port: (app.server.address() as AddressInfo).port });
  if (!ending.aborted) await once(ending, 'abort');
  const closed = app.close();
  const timer = setTimeout(() => app.server.closeAllConnections(), graceMilliseconds);
  await closed;
  clearTimeout(timer);
}

/** IPv6 and IPv4, or the latter alone where a node's kernel has no other. */
async function listen(app: ReturnType<typeof createKnitd>, port: number): Promise<void> {
  try {
    await app.listen({ port, host: '::' });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL') throw error;
    await app.listen({ port, host: '0.0.0.0' });
  }
}
