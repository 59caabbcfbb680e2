export * from './client.ts';
export type { ConnectionOptions } from './connection.ts';
export { ServerError } from './server-error.ts';
