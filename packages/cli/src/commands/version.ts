import { Command } from 'commander';
import manifest from '../../package.json' with { type: 'json' };

export const version = new Command('version').action(() => {
  process.stdout.write(`${manifest.version}\n`);
});
