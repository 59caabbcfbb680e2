export * from './client/index.ts';
export * from './endpoints/index.ts';
export * from './openapi.ts';
export * from './readable.ts';
export * from './shapes/index.ts';
