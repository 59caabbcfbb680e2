export * from './client.ts';
export type { ConnectionOptions } from './connection.ts';
export type { EventOptions } from './event-stream.ts';
export type { ItemPage } from './item-page.ts';
export { ServerError } from './server-error.ts';
