export { createLocalDrivers, type LocalDrivers, type LocalDriversOptions } from './local/index.ts';
