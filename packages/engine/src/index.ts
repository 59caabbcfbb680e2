export { examine, type Finding } from './doctor/doctor.ts';
export * from './drivers.ts';
export * from './engine.ts';
export * from './engine-components.ts';
export type { LoopLog, LoopObserver, Step } from './loop.ts';
export { checkFits } from './room.ts';
export { readRunLog } from './run-logs.ts';
export { receiveData, sendData } from './transfers.ts';
