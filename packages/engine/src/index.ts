export * from './drivers.ts';
