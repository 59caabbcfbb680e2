export { type EngineImage, engineImage } from '@knitfab/drivers';
export { type Backend, localBackend } from './backend.ts';
export { createKnitd, type KnitdOptions } from './knitd.ts';
export { defaultDataDirectory } from './up/data-directory.ts';
export { type Up, type UpOptions, up } from './up/up.ts';
export { version } from './version.ts';
