export * from './data.ts';
export * from './error.ts';
export * from './lineage.ts';
export * from './plan.ts';
export * from './run.ts';
export * from './tag.ts';
export * from './version.ts';
