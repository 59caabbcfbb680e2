import type { Socket } from 'node:net';
import type { ClientBase } from 'pg';

/**
 * How long a statement may go on without a byte from the database, in milliseconds: the longest ones take some ten seconds.
 * Who waits for longer is connected to nothing: a machine, a firewall or a proxy between has gone without a word, and TCP
 * itself would notice after a quarter of an hour, or never.
 */
export const longestSilence = 120_000;

/** What pg's type of a client leaves out. */
interface ClientParts {
  readonly connection: { readonly stream: Socket };
  /** Whether no statement is under way. */
  readonly readyForQuery: boolean;
}

/**
 * Breaks a client's connection when nothing has come for so long of a statement that is under way: what waits for it fails. Whoever
 * does something else in the middle of a transaction may take longer.
 */
export function breakWhenSilent(client: ClientBase, milliseconds: number): void {
  const parts = client as unknown as ClientParts;
  const { stream } = parts.connection;
  // Each time: a function that is given to `setTimeout` is called once only, and a connection may be at rest before it goes silent.
  stream.on('timeout', () => {
    if (parts.readyForQuery) return;
    const error = new Error(`the connection has been silent for ${milliseconds / 1000} s`);
    stream.destroy(Object.assign(error, { code: 'ETIMEDOUT' }));
  });
  stream.setTimeout(milliseconds);
}

/** For statements that may take as long as they need. */
export function mayBeSilent(client: ClientBase): void {
  (client as unknown as ClientParts).connection.stream.setTimeout(0);
}

/**
 * The same on the database's side, as settings of the session: it gives up transactions, and the locks they hold, of clients
 * that are gone. A loop may work on something else in the middle of a transaction, but not for so long.
 */
export const abandonedSessions = [
  'idle_in_transaction_session_timeout=10min',
  'client_connection_check_interval=10s',
  'tcp_keepalives_idle=15',
  'tcp_keepalives_interval=5',
  'tcp_keepalives_count=3',
  'tcp_user_timeout=30s',
]
  .map((setting) => `-c ${setting}`)
  .join(' ');
