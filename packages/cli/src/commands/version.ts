import { Command } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { example } from './example.ts';

export const version = new Command('version').addHelpText('after', example('knit version')).action(() => {
  process.stdout.write(`${manifest.version}\n`);
});
