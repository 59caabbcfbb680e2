export * from './measure-tree.ts';
export * from './pack-tree.ts';
