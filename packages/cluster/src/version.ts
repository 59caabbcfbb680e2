import manifest from '../package.json' with { type: 'json' };

/** The version of this implementation. */
export const { version } = manifest;
