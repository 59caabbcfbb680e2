export * from './archive-encoding.ts';
export * from './digest.ts';
export * from './empty-tree.ts';
export * from './make-directory.ts';
export * from './measure-tree.ts';
export * from './pack-tree.ts';
export { syncTree } from './sync-tree.ts';
export * from './unpack-tree.ts';
