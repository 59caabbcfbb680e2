export { type EngineImage, engineImage } from './docker/image-configuration.ts';
export { type Engine, findEngine } from './docker/index.ts';
export { createLocalDrivers, type LocalDrivers, type LocalDriversOptions } from './local/index.ts';
export {
  type MachineDriverName,
  type MachineDrivers,
  type MachineDriversOptions,
  machineDriverNames,
  openMachineDrivers,
} from './one-machine/drivers.ts';
