import { port } from './socket-directory.ts';

/** Settings of the server by name, as PostgreSQL's manual has them ("Server Configuration"). */
export type Settings = Readonly<Record<string, string>>;

/**
 * A server for one machine that other programs work on too: every commit is durable, nobody reaches it but through its
 * socket, and idle it costs next to nothing. They go on the command line, so that each start brings the current ones.
 */
export const settings: Settings = {
  // only the socket, only its owner (and root)
  listen_addresses: '',
  port: String(port),
  unix_socket_permissions: '0700',
  max_connections: '100',

  // no acknowledged commit is lost; no second server reads the log, so it holds only what recovery needs
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  wal_level: 'minimal',
  max_wal_senders: '0',
  checkpoint_timeout: '15min',
  max_wal_size: '1GB',

  // a laptop with an SSD
  shared_buffers: '128MB',
  huge_pages: 'off',
  random_page_cost: '1.1',
  // many short statements: neither a compiler nor helpers are worth their start
  jit: 'off',
  max_parallel_workers_per_gather: '0',
  // not in /dev/shm, of which a container has little, and which systemd clears when the user logs out
  dynamic_shared_memory_type: 'mmap',

  // fewer processes that sleep and wake
  io_method: 'sync',
  max_logical_replication_workers: '0',
  autovacuum_naptime: '1min',

  logging_collector: 'off',
  log_checkpoints: 'off',
  log_line_prefix: '%m [%p] ',
  log_timezone: 'UTC',
  timezone: 'UTC',
};

/** Settings as arguments of `postgres`. */
export const settingArguments = (chosen: Settings): string[] =>
  Object.entries(chosen).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
