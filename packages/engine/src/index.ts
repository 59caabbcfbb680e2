export * from './drivers.ts';
export * from './engine.ts';
export type { LoopLog } from './loop.ts';
export { checkFits } from './room.ts';
export { readRunLog } from './run-logs.ts';
export { receiveData, sendData } from './transfers.ts';
